// Command topology-get is the function that answers
// GET /flexdeploy/rest/v1/topology/instance/{Id}: one instance by its id.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyGet) }
