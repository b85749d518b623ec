// Command compute-create is the function that answers
// POST /api/v1/instances: it creates an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeCreate) }
