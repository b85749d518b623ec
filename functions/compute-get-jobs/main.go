// Command compute-get-jobs is the function that answers
// GET /api/v1/instances/{uuid}/get-jobs: the poll of an instance for
// jobs, which is its sign of life.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeGetJobs) }
