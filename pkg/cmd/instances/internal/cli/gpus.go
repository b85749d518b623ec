package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/compute"
	"instances/pkg/instance"
)

// maxCatalogue is the size of the largest file with GPUs, in bytes. It leaves
// room for blanks: what is stored has none, and a limit of its own.
const maxCatalogue = 1 << 20

func (e *environment) gpusImport() *cobra.Command {
	var where location
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Replace the catalogue of GPUs",
		Long: `Replaces the catalogue of GPUs, from which the instances of the compute API take
theirs, with the one in FILE, or from standard input if FILE is -. It is a JSON
list of objects with uuid, name, codename, cuda_cores and is_available, as
gpus list --output json prints it. A file with a mistake changes nothing.

Instances that have a GPU keep it, even if the new catalogue lacks it.`,
		Example: examples(
			"instances gpus import gpus.json",
			"instances gpus import - <gpus.json",
			"instances gpus import gpus.json --table instances-prod --region eu-west-1",
		),
		Args: arguments("FILE"),
	}
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 || args[0] == "" {
			return misused("FILE is missing: the name of a file, or - for standard input")
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			file, err := e.readInput(ctx, args[0], maxCatalogue)
			if errors.Is(err, errInputTooLarge) {
				return fmt.Errorf("the catalogue is larger than %d bytes", maxCatalogue)
			}
			if err != nil {
				return fmt.Errorf("read the catalogue: %w", err)
			}
			gpus, err := compute.ParseGPUs(file)
			if err != nil {
				return fmt.Errorf("%s: %w; nothing was changed", inputName(args[0]), err)
			}
			data, err := compute.EncodeGPUs(gpus)
			if err != nil {
				return err
			}
			err = r.SetDocument(ctx, compute.GPUsDocument, data)
			if errors.Is(err, instance.ErrTooLarge) {
				return reword(err, "the catalogue takes %d bytes, and may take %d: import fewer GPUs", len(data), instance.MaxStoredBytes)
			}
			if err != nil {
				return fmt.Errorf("store the catalogue: %w", err)
			}
			entries := fmt.Sprintf("%d entries", len(gpus))
			if len(gpus) == 1 {
				entries = "1 entry"
			}
			say(e.stderr, "The catalogue of GPUs now has %s.\n", entries)
			return nil
		})
	}
	return c
}

func (e *environment) gpusList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the catalogue of GPUs",
		Long: `Lists the GPUs that the instances of the compute API can have: those that were
imported last, or else the default ones. Standard error says which. As JSON, the
list is what gpus import takes.`,
		Example: examples(
			"instances gpus list",
			"instances gpus list --output json >gpus.json",
			"instances gpus list --table instances-prod --region eu-west-1",
		),
		Args: arguments(),
	}
	return e.listing(c, func(ctx context.Context, r *store.Registry, asJSON bool) error {
		gpus, imported, err := readGPUs(ctx, r)
		if err != nil {
			return err
		}
		if err := e.writeGPUs(gpus, asJSON); err != nil {
			return err
		}
		if imported {
			say(e.stderr, "This is the catalogue that was imported.\n")
		} else {
			say(e.stderr, "This is the default catalogue: none was imported.\n")
		}
		return nil
	})
}

// readGPUs returns the catalogue of a registry, and whether one was imported:
// else it is the default one.
func readGPUs(ctx context.Context, r *store.Registry) (gpus []compute.GPU, imported bool, err error) {
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

// writeGPUs writes a table, or a file for gpus import.
func (e *environment) writeGPUs(gpus []compute.GPU, asJSON bool) error {
	if asJSON {
		data, err := compute.EncodeGPUs(gpus)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, data, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err = e.stdout.Write(b.Bytes())
		return err
	}
	t := text.NewTable(e.stdout, "UUID", "NAME", "CODENAME", "CUDA CORES", "AVAILABLE")
	for _, g := range gpus {
		available := "no"
		if g.Available {
			available = "yes"
		}
		t.Row(g.UUID, g.Name, g.Codename, g.CUDACores, available)
	}
	return t.Flush()
}
