// Command topology-history is the function that answers
// GET /flexdeploy/rest/v1/topology/instance/{Id}/history: what was done to one
// instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyHistory) }
