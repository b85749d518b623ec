// Command compute-delete is the function that answers
// DELETE /api/v1/instances/{uuid}: it deletes an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeDelete) }
