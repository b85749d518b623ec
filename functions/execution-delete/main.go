// Command execution-delete is the function that answers
// DELETE /instances/delete/{id}: it removes an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.ExecutionDelete) }
