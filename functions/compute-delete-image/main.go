// Command compute-delete-image is the function that answers
// PATCH /api/v1/instances/{uuid}/delete-image: it removes an image from
// those that an instance has downloaded.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeDeleteImage) }
