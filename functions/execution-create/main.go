// Command execution-create is the function that answers
// PUT /instances/create: it creates an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ExecutionCreate) }
