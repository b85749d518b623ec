package main

import (
	"context"
	"errors"
	"fmt"

	"instances/pkg/compute"
	"instances/pkg/instance"
)

// maxCatalogue is the size of the largest file with GPUs, in bytes. It leaves
// room for blanks: what is stored has none, and a limit of its own.
const maxCatalogue = 1 << 20

func gpusImportCommand() command {
	return command{
		name:      "gpus import",
		arguments: []string{"FILE"},
		summary:   "replace the catalogue of GPUs",
		details: `Replaces the catalogue of GPUs, from which the instances of the compute API take
theirs, with the one in FILE, or on standard input where FILE is -. It is a JSON
list of objects with uuid, name, codename, cuda_cores and is_available, as
gpus list --output json prints it. A file with a mistake changes nothing.

Instances that have a GPU keep it, also where the new catalogue lacks it.`,
		examples: []string{
			"instances gpus import gpus.json",
			"instances gpus import - <gpus.json",
			"instances gpus import gpus.json --table instances-prod --region eu-west-1",
		},
		prepare: gpusImport,
	}
}

func gpusImport(c *call) func(context.Context) error {
	var where place
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		if len(c.args) == 0 || c.args[0] == "" {
			return misused("FILE is missing: the name of a file, or - for standard input")
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			file, err := readInput(ctx, c, c.args[0], maxCatalogue)
			if errors.Is(err, errInputTooLarge) {
				return fmt.Errorf("the catalogue is larger than %d bytes", maxCatalogue)
			}
			if err != nil {
				return fmt.Errorf("read the catalogue: %w", err)
			}
			gpus, err := compute.ParseGPUs(file)
			if err != nil {
				return fmt.Errorf("%s: %w; nothing was changed", inputName(c.args[0]), err)
			}
			data, err := compute.EncodeGPUs(gpus)
			if err != nil {
				return err
			}
			err = r.SetDocument(ctx, compute.GPUsDocument, data)
			if errors.Is(err, instance.ErrTooLarge) {
				return wordsFor(err, fmt.Sprintf("the catalogue takes %d bytes, and may take %d: import fewer GPUs", len(data), instance.MaxStoredBytes))
			}
			if err != nil {
				return fmt.Errorf("store the catalogue: %w", err)
			}
			say(c.stderr, "The catalogue of GPUs now has %s.\n", entries(len(gpus)))
			return nil
		})
	}
}

// entries counts what a catalogue has.
func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// inputName names an input in messages.
func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
