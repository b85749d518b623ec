package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

func importCommand() command {
	return command{
		name:      "import",
		arguments: []string{"FILE"},
		summary:   "create the instances that an export wrote",
		details: `Creates the instances in FILE, or on standard input where FILE is -, as
instances export wrote them: with their ids, times, versions and owners. New
topology instances then get ids above those in the file. Each import of an
instance is in its history. A data folder that does not exist is made.

The file is checked first, and one with a mistake changes nothing. An instance
that is there already, in the same version, is skipped, so that an import that
was interrupted is just run again. Where the id or the code of an instance is
taken by another one, or by another version, that is reported, and what is there
stays as it is; the exit code then is 1. It says nothing of instances that are
there and not in the file.

With --dry-run it changes nothing, and tells what it would do.`,
		examples: []string{
			"instances import instances.jsonl",
			"instances import instances.jsonl --dry-run",
			"instances import - <instances.jsonl",
			"instances import instances.jsonl --table instances-prod --region eu-west-1",
		},
		prepare: importInstances,
	}
}

// importOrder is what the flags of an import say.
type importOrder struct {
	dryRun, asJSON bool
	// writers is how many instances are under way at once.
	writers int
}

func importInstances(c *call) func(context.Context) error {
	where := place{timeout: transferTimeout}
	var order importOrder
	c.flags.BoolVar(&order.dryRun, "dry-run", false, "change nothing, and tell what would be done")
	form := formFlag(c)
	retention := historyRetentionFlag(c)
	where.flags(c)
	return func(ctx context.Context) (err error) {
		if err := where.check(c); err != nil {
			return err
		}
		if len(c.args) == 0 || c.args[0] == "" {
			return misused("FILE is missing: the name of a file, or - for standard input")
		}
		if order.asJSON, err = form(); err != nil {
			return err
		}
		if where.retention, err = retention(); err != nil {
			return err
		}
		where.create = !order.dryRun
		if order.writers = folderWriters; where.table != "" {
			order.writers = tableWriters
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			file, release, err := openDump(ctx, c, c.args[0])
			if err != nil {
				return err
			}
			defer release()
			return importDump(ctx, c, r, file, order)
		})
	}
}

// openDump opens the file, or a copy of standard input: it is read twice.
// release closes it, and removes the copy.
func openDump(ctx context.Context, c *call, name string) (file *os.File, release func(), err error) {
	if name != "-" {
		file, err = os.Open(c.path(name))
		return file, func() { _ = file.Close() }, err
	}
	file, err = os.CreateTemp("", "instances-import-*")
	if err != nil {
		return nil, nil, fmt.Errorf("keep standard input: %w", err)
	}
	release = func() { _, _ = file.Close(), os.Remove(file.Name()) }
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(file, c.stdin)
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

// importDump checks the file and then creates its instances.
func importDump(ctx context.Context, c *call, r *registry, file *os.File, order importOrder) error {
	known, err := checkDump(ctx, c, file)
	var bad *badDumpError
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("%s: %w\nNothing was changed", inputName(c.args[0]), err)
	case err != nil:
		return fmt.Errorf("read %s: %w", inputName(c.args[0]), err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m := newImporter(c, r, order)
	if !order.dryRun {
		// From now on no new instance gets the id of one that is to come.
		for kind, upTo := range known.numbers {
			if err := r.ReserveNumbers(ctx, kind, upTo); err != nil {
				return err
			}
		}
	}
	m.bar = newProgress(c, "Importing", known.counts.total())
	err = m.run(ctx, file)
	m.bar.end()
	return m.finish(ctx, order, err)
}

// finish prints what was done, and returns how the command ends after err.
func (m *importer) finish(ctx context.Context, order importOrder, err error) error {
	if err != nil {
		say(m.c.stderr, "Until then, %d instances were created, %d were there already, and %d were in conflict. The same command goes on: it skips what is there.\n",
			m.total(created), m.total(there), m.total(conflict))
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return ctx.Err()
		}
		return err
	}
	write := m.writeText
	if order.asJSON {
		write = m.writeJSON
	}
	if err := write(m.c.stdout); err != nil {
		return err
	}
	if order.dryRun {
		say(m.c.stderr, "This was a dry run: nothing was changed.\n")
	}
	if m.total(conflict) > 0 {
		say(m.c.stderr, "Of the instances in conflict, what is there was left as it is: %d\n", m.total(conflict))
		return exitError(exitFailed)
	}
	return nil
}
