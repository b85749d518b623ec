// Command compute-start is the function that answers
// PATCH /api/v1/instances/{uuid}/start: it makes an instance available.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeStart) }
