// Command topology-search is the function that answers
// GET /flexdeploy/rest/v1/topology/instance: the instances that match the
// parameters, or all.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologySearch) }
