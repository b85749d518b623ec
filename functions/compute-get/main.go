// Command compute-get is the function that answers
// GET /api/v1/instances/{uuid}: one instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeGet) }
