// Command topology-delete is the function that answers
// DELETE /flexdeploy/rest/v1/topology/instance/{Id}: it deletes an
// instance.
package main

import "instances/pkg/app"

func main() { app.Start(app.TopologyDelete) }
