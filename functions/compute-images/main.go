// Command compute-images is the function that answers
// GET /api/v1/images: the images that an instance has downloaded.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeImages) }
