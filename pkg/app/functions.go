package app

import (
	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// Functions returns all functions that have a repository, by the names of their
// folders.
func Functions() map[string]Function {
	return map[string]Function{
		"topology-get":     TopologyGet,
		"topology-search":  TopologySearch,
		"topology-create":  TopologyCreate,
		"topology-update":  TopologyUpdate,
		"topology-patch":   TopologyPatch,
		"topology-delete":  TopologyDelete,
		"topology-history": TopologyHistory,

		"compute-list":         ComputeList,
		"compute-get":          ComputeGet,
		"compute-create":       ComputeCreate,
		"compute-update":       ComputeUpdate,
		"compute-patch":        ComputePatch,
		"compute-delete":       ComputeDelete,
		"compute-start":        ComputeStart,
		"compute-stop":         ComputeStop,
		"compute-add-image":    ComputeAddImage,
		"compute-delete-image": ComputeDeleteImage,
		"compute-get-jobs":     ComputeGetJobs,
		"compute-images":       ComputeImages,
		"compute-gpus":         ComputeGPUs,
		"compute-token-auth":   ComputeTokenAuth,

		"execution-create": ExecutionCreate,
		"execution-get":    ExecutionGet,
		"execution-list":   ExecutionList,
		"execution-update": ExecutionUpdate,
		"execution-delete": ExecutionDelete,

		"cleanup": Cleanup,
	}
}

// TopologyGet answers GET /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyGet(d Dependencies) lambda.Handler {
	return Serve(d, topology.Secure(d.Keys, topology.ReadPermission, topology.GetInstance(d.Repository)))
}

// TopologySearch answers GET /flexdeploy/rest/v1/topology/instance.
func TopologySearch(d Dependencies) lambda.Handler {
	return Stream(d, topology.Secure(d.Keys, topology.ReadPermission, topology.SearchInstances(d.Repository)))
}

// TopologyCreate answers POST /flexdeploy/rest/v1/topology/instance.
func TopologyCreate(d Dependencies) lambda.Handler {
	return Serve(d, topology.Secure(d.Keys, topology.WritePermission, topology.CreateInstance(d.Repository, d.Repository, d.Now)))
}

// TopologyUpdate answers PUT /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyUpdate(d Dependencies) lambda.Handler {
	return Serve(d, topology.Secure(d.Keys, topology.WritePermission, topology.UpdateInstance(d.Repository, d.Now)))
}

// TopologyPatch answers PATCH /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyPatch(d Dependencies) lambda.Handler {
	return Serve(d, topology.Secure(d.Keys, topology.WritePermission, topology.PatchInstance(d.Repository, d.Now)))
}

// TopologyDelete answers DELETE /flexdeploy/rest/v1/topology/instance/{Id}.
func TopologyDelete(d Dependencies) lambda.Handler {
	return Serve(d, topology.Secure(d.Keys, topology.WritePermission, topology.DeleteInstance(d.Repository, d.Now)))
}

// TopologyHistory answers GET
// /flexdeploy/rest/v1/topology/instance/{Id}/history.
func TopologyHistory(d Dependencies) lambda.Handler {
	return Stream(d, topology.Secure(d.Keys, topology.ReadPermission, topology.ListHistory(d.Repository, d.Repository)))
}

// ComputeList answers GET /api/v1/instances.
func ComputeList(d Dependencies) lambda.Handler {
	return Stream(d, compute.Secure(d.Keys, compute.ReadPermission, compute.ListInstances(d.Repository, computeSettings(d))))
}

// ComputeGet answers GET /api/v1/instances/{uuid}.
func ComputeGet(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.ReadPermission, compute.GetInstance(d.Repository, computeSettings(d))))
}

// ComputeCreate answers POST /api/v1/instances.
func ComputeCreate(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.CreateInstance(d.Repository, d.Repository, d.Repository, computeSettings(d))))
}

// ComputeUpdate answers PUT /api/v1/instances/{uuid}.
func ComputeUpdate(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.UpdateInstance(d.Repository, d.Repository, d.Repository, computeSettings(d))))
}

// ComputePatch answers PATCH /api/v1/instances/{uuid}.
func ComputePatch(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.PatchInstance(d.Repository, d.Repository, d.Repository, computeSettings(d))))
}

// ComputeDelete answers DELETE /api/v1/instances/{uuid}.
func ComputeDelete(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.DeleteInstance(d.Repository, compute.Settings{Now: d.Now})))
}

// ComputeStart answers PATCH /api/v1/instances/{uuid}/start.
func ComputeStart(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.StartInstance(d.Repository, computeSettings(d))))
}

// ComputeStop answers PATCH /api/v1/instances/{uuid}/stop.
func ComputeStop(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.StopInstance(d.Repository, computeSettings(d))))
}

// ComputeAddImage answers PATCH /api/v1/instances/{uuid}/add-image.
func ComputeAddImage(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.AddImage(d.Repository, computeSettings(d))))
}

// ComputeDeleteImage answers PATCH /api/v1/instances/{uuid}/delete-image.
func ComputeDeleteImage(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.DeleteImage(d.Repository, computeSettings(d))))
}

// ComputeGetJobs answers GET /api/v1/instances/{uuid}/get-jobs. It changes
// the instance, which is why reading is not enough.
func ComputeGetJobs(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.WritePermission, compute.GetJobs(d.Repository, d.Repository, compute.Settings{Now: d.Now})))
}

// ComputeImages answers GET /api/v1/images.
func ComputeImages(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.ReadPermission, compute.ListImages(d.Repository)))
}

// ComputeGPUs answers GET /api/v1/gpus.
func ComputeGPUs(d Dependencies) lambda.Handler {
	return Serve(d, compute.Secure(d.Keys, compute.ReadPermission, compute.ListGPUs(d.Repository)))
}

// ComputeTokenAuth answers POST /api/v1/api-token-auth. Its body holds the
// credentials, so it asks for no others.
func ComputeTokenAuth(d Dependencies) lambda.Handler {
	return Serve(d, compute.Open(compute.IssueToken(d.Keys)))
}

// computeSettings is for the functions that show whether an instance is
// available; these are the ones that have [SilentAfterVariable].
func computeSettings(d Dependencies) compute.Settings {
	return compute.Settings{Now: d.Now, SilentAfter: d.SilentAfter}
}

// ExecutionCreate answers PUT /instances/create.
func ExecutionCreate(d Dependencies) lambda.Handler {
	return Serve(d, execution.Secure(d.Keys, execution.WritePermission, execution.CreateInstance(d.Repository, d.Now)))
}

// ExecutionGet answers GET /instances/get/{id}.
func ExecutionGet(d Dependencies) lambda.Handler {
	return Serve(d, execution.Secure(d.Keys, execution.ReadPermission, execution.GetInstance(d.Repository)))
}

// ExecutionList answers GET /instances/list.
func ExecutionList(d Dependencies) lambda.Handler {
	return Stream(d, execution.Secure(d.Keys, execution.ReadPermission, execution.ListInstances(d.Repository)))
}

// ExecutionUpdate answers POST /instances/update.
func ExecutionUpdate(d Dependencies) lambda.Handler {
	return Serve(d, execution.Secure(d.Keys, execution.WritePermission, execution.UpdateInstance(d.Repository, d.Now)))
}

// ExecutionDelete answers DELETE /instances/delete/{id}.
func ExecutionDelete(d Dependencies) lambda.Handler {
	return Serve(d, execution.Secure(d.Keys, execution.WritePermission, execution.DeleteInstance(d.Repository, d.Now)))
}

// Permissions returns what a key can be allowed to do, of all dialects.
func Permissions() []string {
	return []string{
		topology.ReadPermission, topology.WritePermission,
		compute.ReadPermission, compute.WritePermission,
		execution.ReadPermission, execution.WritePermission,
	}
}
