package cli

import (
	"context"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/transfer"
)

func (e *environment) export() *cobra.Command {
	where := location{timeout: transferTimeout}
	var to string
	var resume bool
	c := &cobra.Command{
		Use:     "export",
		GroupID: groupMoving,
		Short:   "Write all instances to a file",
		Long: `Writes every instance of all three kinds as JSON, one per line, with ids, times,
versions and owners, for instances import. The first line says what the file is,
and the last how many instances there are, so that a truncated file is noticed.
Keys, the history, deleted instances and the catalogue of GPUs are not in it.

What is written to the registry meanwhile may or may not be in the export; each
instance is in it once, as it was at some moment. On a table it reads the whole
table, which AWS charges for, and needs the permission dynamodb:Scan.

It does not overwrite an existing file. With --resume, an export that was
interrupted continues after the last instance in the file, which must come from
the same registry.`,
		Example: examples(
			"instances export --to instances.jsonl",
			"instances export --to instances.jsonl --resume",
			"instances export --table instances-prod --region eu-west-1",
		),
		Args: arguments(),
	}
	c.Flags().StringVar(&to, "to", "-", "write to `FILE`, or to standard output if it is -")
	c.Flags().BoolVar(&resume, "resume", false, "continue the interrupted export in FILE")
	where.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case to == "":
			return misused("--to is empty: give the name of a file, or - for standard output")
		case to == "-" && resume:
			return misused("--resume needs --to FILE: the file to continue")
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			console := e.console()
			if to == "-" {
				// The bar and the output may be on the same terminal.
				console.Terminal = false
				return transfer.Export(ctx, r, e.stdout, e.now(), console)
			}
			return transfer.ExportFile(ctx, r, e.path(to), to, resume, e.now(), console)
		})
	}
	return c
}

func (e *environment) console() transfer.Console {
	return transfer.Console{Stderr: e.stderr, Terminal: e.terminal}
}
