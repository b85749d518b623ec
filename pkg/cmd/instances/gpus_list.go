package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"instances/pkg/compute"
)

func gpusListCommand() command {
	return command{
		name:    "gpus list",
		summary: "list the catalogue of GPUs",
		details: `Lists the GPUs that the instances of the compute API can have: those that were
imported last, or else the default ones. Standard error says which. As JSON, the
list is what gpus import takes.`,
		examples: []string{
			"instances gpus list",
			"instances gpus list --output json >gpus.json",
			"instances gpus list --table instances-prod --region eu-west-1",
		},
		prepare: gpusList,
	}
}

func gpusList(c *call) func(context.Context) error {
	return listing(c, func(ctx context.Context, r *registry, asJSON bool) error {
		gpus, imported, err := readGPUs(ctx, r)
		if err != nil {
			return err
		}
		write := writeGPUsText
		if asJSON {
			write = writeGPUsJSON
		}
		if err := write(c.stdout, gpus); err != nil {
			return err
		}
		if imported {
			say(c.stderr, "This is the catalogue that was imported.\n")
		} else {
			say(c.stderr, "This is the default catalogue: none was imported.\n")
		}
		return nil
	})
}

// writeGPUsJSON writes a file for gpus import.
func writeGPUsJSON(w io.Writer, gpus []compute.GPU) error {
	data, err := compute.EncodeGPUs(gpus)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err = w.Write(b.Bytes())
	return err
}

func writeGPUsText(w io.Writer, gpus []compute.GPU) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "UUID\tNAME\tCODENAME\tCUDA CORES\tAVAILABLE")
	for _, g := range gpus {
		available := "no"
		if g.Available {
			available = "yes"
		}
		// The writer keeps its first error for Flush.
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", g.UUID, g.Name, g.Codename, g.CUDACores, available)
	}
	return table.Flush()
}
