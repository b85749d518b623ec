// Command execution-get is the function that answers
// GET /instances/get/{id}: one instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ExecutionGet) }
