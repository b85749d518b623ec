// Command compute-stop is the function that answers
// PATCH /api/v1/instances/{uuid}/stop: it makes an instance not
// available.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeStop) }
