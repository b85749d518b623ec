package main

import (
	"context"
	"errors"
	"fmt"

	"instances/pkg/compute"
	"instances/pkg/instance"
)

// readGPUs returns the catalogue of a registry, and whether one was imported:
// else it is the default one.
func readGPUs(ctx context.Context, r *registry) (gpus []compute.GPU, imported bool, err error) {
	stored, err := r.Document(ctx, compute.GPUsDocument)
	if errors.Is(err, instance.ErrNotFound) {
		return compute.DefaultGPUs(), false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the catalogue of GPUs: %w", err)
	}
	if gpus, err = compute.ParseGPUs(stored); err != nil {
		return nil, false, fmt.Errorf("the stored catalogue of GPUs: %w", err)
	}
	return gpus, true, nil
}
