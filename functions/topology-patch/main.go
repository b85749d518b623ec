// Command topology-patch is the function that answers
// PATCH /flexdeploy/rest/v1/topology/instance/{Id}: it changes parts of an instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyPatch) }
