package app

import (
	"net/http"

	"instances/pkg/topology"
)

// Functions returns all functions by the names of their folders.
func Functions() map[string]Function {
	return map[string]Function{
		"topology-get":    TopologyGet,
		"topology-search": TopologySearch,
		"topology-create": TopologyCreate,
		"topology-update": TopologyUpdate,
		"topology-patch":  TopologyPatch,
	}
}

// TopologyGet answers GET /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyGet(d Dependencies) http.Handler {
	return topology.Secure(d.Keys, topology.ReadPermission, topology.GetInstance(d.Repository))
}

// TopologySearch answers GET /flexdeploy/rest/v1/topology/instance.
func TopologySearch(d Dependencies) http.Handler {
	return topology.Secure(d.Keys, topology.ReadPermission, topology.SearchInstances(d.Repository))
}

// TopologyCreate answers POST /flexdeploy/rest/v1/topology/instance.
func TopologyCreate(d Dependencies) http.Handler {
	return topology.Secure(d.Keys, topology.WritePermission, topology.CreateInstance(d.Repository, d.Repository, d.Now))
}

// TopologyUpdate answers PUT /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyUpdate(d Dependencies) http.Handler {
	return topology.Secure(d.Keys, topology.WritePermission, topology.UpdateInstance(d.Repository, d.Now))
}

// TopologyPatch answers PATCH /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyPatch(d Dependencies) http.Handler {
	return topology.Secure(d.Keys, topology.WritePermission, topology.PatchInstance(d.Repository, d.Now))
}

// Permissions returns what a key can be allowed to do, of all dialects.
func Permissions() []string {
	return []string{topology.ReadPermission, topology.WritePermission}
}
