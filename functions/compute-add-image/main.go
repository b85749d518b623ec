// Command compute-add-image is the function that answers
// PATCH /api/v1/instances/{uuid}/add-image: it adds an image to those
// that an instance has downloaded.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeAddImage) }
