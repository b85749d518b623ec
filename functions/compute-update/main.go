// Command compute-update is the function that answers
// PUT /api/v1/instances/{uuid}: it replaces an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeUpdate) }
