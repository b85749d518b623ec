// Command execution-update is the function that answers
// POST /instances/update: it replaces an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ExecutionUpdate) }
