// Command topology-create is the function that answers
// POST /flexdeploy/rest/v1/topology/instance: it creates an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyCreate) }
