// Command compute-gpus is the function that answers
// GET /api/v1/gpus: the catalogue of GPUs.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeGPUs) }
