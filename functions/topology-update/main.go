// Command topology-update is the function that answers
// PUT /flexdeploy/rest/v1/topology/instance/{Id}: it replaces an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyUpdate) }
