package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/cmd/instances/internal/transfer"
)

// folderWriters is how many instances an import writes to a folder at once:
// they share the wait for the disk.
const folderWriters = 128

func (e *environment) importInstances() *cobra.Command {
	where := location{timeout: transferTimeout}
	var dryRun bool
	var form string
	c := &cobra.Command{
		Use:     "import FILE",
		GroupID: groupMoving,
		Short:   "Create the instances that an export wrote",
		Long: `Creates the instances in FILE, or from standard input if FILE is -, as
instances export wrote them: with their ids, times, versions and owners. New
topology instances then get ids above those in the file. Each import of an
instance is in its history. A missing data folder is created.

The file is checked first, and one with a mistake changes nothing. An instance
that is there already, in the same version, is skipped, so that an import that
was interrupted can simply be run again. If another instance or another version has
the id or the code of one in the file, that is reported, what is there stays as
it is, and the exit code is 1. Instances that are not in the file are not reported.

With --dry-run it changes nothing, and prints what it would do.`,
		Example: examples(
			"instances import instances.jsonl",
			"instances import instances.jsonl --dry-run",
			"instances import - <instances.jsonl",
			"instances import instances.jsonl --table instances-prod --region eu-west-1",
		),
		Args: arguments("FILE"),
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, and print what would be done")
	formFlag(c, &form)
	historyRetentionFlag(c, &where.retention)
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 || args[0] == "" {
			return misused("FILE is missing: the name of a file, or - for standard input")
		}
		where.create = !dryRun
		writers := folderWriters
		if where.table.Name != "" {
			writers = store.Connections
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			file, release, err := e.openDump(ctx, args[0])
			if err != nil {
				return err
			}
			defer release()
			list, err := transfer.Importer{
				Target: r, Change: operatorChange("import", e.now()), Now: e.now,
				DryRun: dryRun, Writers: writers, Console: e.console(),
			}.Import(ctx, file, inputName(args[0]))
			if err != nil {
				return err
			}
			return e.writeImported(list, dryRun, form == formJSON)
		})
	}
	return c
}

// writeImported prints what was done. It is an error where there were
// conflicts.
func (e *environment) writeImported(list []transfer.Imported, dryRun, asJSON bool) error {
	heading := "CREATED"
	if dryRun {
		heading = "TO CREATE"
	}
	t := text.NewTable(e.stdout, "KIND", heading, "EXISTING", "CONFLICTS")
	conflicts := 0
	for _, k := range list {
		t.Row(k.Kind, k.Created, k.There, k.Conflicts)
		conflicts += k.Conflicts
	}
	write := t.Flush
	if asJSON {
		write = func() error { return writeJSON(e.stdout, list) }
	}
	if err := write(); err != nil {
		return err
	}
	if dryRun {
		say(e.stderr, "This was a dry run: nothing was changed.\n")
	}
	if conflicts > 0 {
		say(e.stderr, "Conflicts, which changed nothing: %d\n", conflicts)
		return exitError(exitFailed)
	}
	return nil
}

// openDump opens the file, or a copy of standard input: it is read twice.
// release closes it, and removes the copy.
func (e *environment) openDump(ctx context.Context, name string) (file *os.File, release func(), err error) {
	if name != "-" {
		file, err = os.Open(e.path(name))
		return file, func() { _ = file.Close() }, err
	}
	file, err = os.CreateTemp("", "instances-import-*")
	if err != nil {
		return nil, nil, fmt.Errorf("keep standard input: %w", err)
	}
	release = func() { _, _ = file.Close(), os.Remove(file.Name()) }
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(file, e.stdin)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		// The read is left behind: a terminal cannot be interrupted.
		err = ctx.Err()
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("read standard input: %w", err)
	}
	return file, release, nil
}
