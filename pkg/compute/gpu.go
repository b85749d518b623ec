package compute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// GPUsDocument is the name of the document that holds the catalogue of GPUs,
// as [EncodeGPUs] writes it. Without it [DefaultGPUs] are the catalogue.
const GPUsDocument = "gpus"

// GPU is an entry of the catalogue.
type GPU struct {
	// UUID identifies the entry, in lower case.
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	Codename string `json:"codename"`
	// CUDACores counts the cores; 0 where there are none.
	CUDACores int `json:"cuda_cores"`
	// Available says whether the card is offered.
	Available bool `json:"is_available"`
}

// DefaultGPUs returns the catalogue that is used until the operator imports
// one: a few common cards.
func DefaultGPUs() []GPU {
	return []GPU{
		{"3f0c1f5e-2d0a-4c53-9d0e-6a1b7c9f1080", "NVIDIA GeForce GTX 1080 Ti", "GP102", 3584, true},
		{"8b1f7d26-5a3e-4f0b-8c7d-2e9a4b6d2080", "NVIDIA GeForce RTX 2080 Ti", "TU102", 4352, true},
		{"c5d2e8a1-7b4f-4e6c-a1d3-5f8b9c0e3090", "NVIDIA GeForce RTX 3090", "GA102", 10496, true},
		{"1e9b6c47-0f8d-4a2b-b5e6-7d3c8f1a4090", "NVIDIA GeForce RTX 4090", "AD102", 16384, true},
		{"6a4d9f12-3c7e-4b58-92f1-8e0b5d7c0004", "NVIDIA Tesla T4", "TU104", 2560, true},
		{"d7e3b5c8-9a1f-4d06-8b2c-4f6e1a9d0100", "NVIDIA Tesla V100", "GV100", 5120, true},
		{"f2a8c6e4-5b0d-4c19-a7f3-1d9e3b5c0a10", "NVIDIA A100", "GA100", 6912, true},
		{"0b5e7d93-8c2a-4f61-b4d8-9a1c6f3e0b10", "NVIDIA H100 SXM", "GH100", 16896, true},
	}
}

// ParseGPUs reads a catalogue: a JSON list of objects with uuid, name,
// codename, cuda_cores and is_available, which is true unless given. An error
// names the entry and the field, in words for the operator.
func ParseGPUs(data []byte) ([]GPU, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil || entries == nil {
		return nil, errors.New("the catalogue is not one JSON list")
	}
	gpus := make([]GPU, 0, len(entries))
	seen := map[string]int{}
	for n, entry := range entries {
		gpu, err := parseGPU(entry)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", n+1, err)
		}
		if first, repeated := seen[gpu.UUID]; repeated {
			return nil, fmt.Errorf("entry %d: uuid %s is that of entry %d too", n+1, gpu.UUID, first)
		}
		seen[gpu.UUID] = n + 1
		gpus = append(gpus, gpu)
	}
	return gpus, nil
}

// parseGPU reads one entry of a catalogue.
func parseGPU(entry json.RawMessage) (GPU, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(entry, &members); err != nil || members == nil {
		return GPU{}, errors.New("it is not an object")
	}
	f := httpjson.NewFields(members)
	gpu := GPU{
		UUID:      strings.ToLower(valueOr(f.String("uuid", maxName), "")),
		Name:      valueOr(f.String("name", maxName), ""),
		Codename:  valueOr(f.String("codename", maxName), ""),
		CUDACores: int(valueOr(f.Integer("cuda_cores"), 0)),
		Available: valueOr(f.Bool("is_available"), true),
	}
	if f.Err() == nil && !isUUID(gpu.UUID) {
		f.Reject("uuid", fmt.Sprintf("%q is not a UUID", gpu.UUID))
	}
	if f.Err() == nil && strings.TrimSpace(gpu.Name) == "" {
		f.Reject("name", "is required")
	}
	if gpu.CUDACores < 0 {
		f.Reject("cuda_cores", "must not be negative")
	}
	known := []string{"uuid", "name", "codename", "cuda_cores", "is_available"}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			f.Reject(name, "is not a field; the fields are "+strings.Join(known, ", "))
		}
	}
	var invalid *httpjson.RequestError
	if errors.As(f.Err(), &invalid) {
		return GPU{}, fmt.Errorf("%s %s", invalid.Fields[0].Field, invalid.Fields[0].Message)
	}
	return gpu, nil
}

// EncodeGPUs returns a catalogue as it is stored.
func EncodeGPUs(gpus []GPU) ([]byte, error) {
	b, err := json.Marshal(gpus)
	if err != nil {
		return nil, fmt.Errorf("encode catalogue: %w", err)
	}
	return b, nil
}

// loadGPUs returns the catalogue.
func loadGPUs(ctx context.Context, c instance.DocumentReader) ([]GPU, error) {
	data, err := c.Document(ctx, GPUsDocument)
	if errors.Is(err, instance.ErrNotFound) {
		return DefaultGPUs(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	gpus, err := ParseGPUs(data)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return gpus, nil
}
