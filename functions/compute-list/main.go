// Command compute-list is the function that answers
// GET /api/v1/instances: the instances of the
// owner, newest first.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeList) }
