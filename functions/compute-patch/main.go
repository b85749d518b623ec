// Command compute-patch is the function that answers
// PATCH /api/v1/instances/{uuid}: it changes parts of an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputePatch) }
