// Command execution-list is the function that answers
// GET /instances/list: the instances that match the parameters, or all.
package main

import "instances/pkg/app"

func main() { app.Start(app.ExecutionList) }
