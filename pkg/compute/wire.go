package compute

import (
	"encoding/json"
	"fmt"

	"instances/pkg/instance"
)

// The values of status.
const (
	notAvailable = 1
	available    = 2
)

// started is the [instance.Instance.Status] of an instance that was started
// and not stopped since.
const started = "started"

// The types of an instance, and their numbers.
const (
	typeCPU   = "cpu"
	typeGPU   = "gpu"
	numberCPU = 1
	numberGPU = 2
)

// none stands for a GPU that there is not.
const none = "n/a"

// attributes are what only this dialect knows of an instance, as they are
// stored in [instance.Instance.Attributes].
type attributes struct {
	Type string `json:"type"`
	// GPU and GPUName come from the catalogue; they are empty for a CPU instance.
	GPU     string `json:"gpu,omitempty"`
	GPUName string `json:"gpuName,omitempty"`
	// AskPrice is a decimal.
	AskPrice           json.Number `json:"askPrice"`
	MaxNumParallelJobs int64       `json:"maxNumParallelJobs"`
	DownloadedImages   []string    `json:"downloadedImages,omitempty"`
	// StartedAt is when it was last started, in milliseconds since 1970.
	StartedAt       int64 `json:"startedAt,omitempty"`
	NumRunningJobs  int64 `json:"numRunningJobs,omitempty"`
	NumAssignedJobs int64 `json:"numAssignedJobs,omitempty"`
}

// decodeAttributes reads the attributes of i.
func decodeAttributes(i instance.Instance) (attributes, error) {
	return instance.DecodeAttributes[attributes](i)
}

// withAttributes returns i with the attributes.
func withAttributes(i instance.Instance, a attributes) (instance.Instance, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("encode attributes: %w", err)
	}
	i.Attributes = b
	return i, nil
}
