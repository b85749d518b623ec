package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"instances/pkg/instance"
)

func exportCommand() command {
	return command{
		name:    "export",
		summary: "write all instances to a file",
		details: `Writes every instance of all three kinds as JSON, one a line, with ids, times,
versions and owners, for instances import. The first line says what the file is,
and the last how many instances there are, so that a cut file is known as such.
Keys, the history, deleted instances and the catalogue of GPUs are not in it.

What is written to the registry meanwhile may or may not be in the export; each
instance is in it once, as it was at some moment. On a table it reads the whole
table, at the cost of that, and needs the permission dynamodb:Scan.

A file that exists is not overwritten. With --resume, an export that was
interrupted goes on behind the last instance in the file; it has to be of the
same registry.`,
		examples: []string{
			"instances export --to instances.jsonl",
			"instances export --to instances.jsonl --resume",
			"instances export --table instances-prod --region eu-west-1",
		},
		prepare: export,
	}
}

func export(c *call) func(context.Context) error {
	where := place{timeout: transferTimeout}
	to := c.flags.String("to", "-", "write to `FILE`, or to standard output where it is -")
	resume := c.flags.Bool("resume", false, "go on with the export in FILE that was interrupted")
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		switch {
		case *to == "":
			return misused("--to is empty: give the name of a file, or - for standard output")
		case *to == "-" && *resume:
			return misused("--resume needs --to FILE: the file to go on with")
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			if *to == "-" {
				// The bar and the output may be on the same terminal.
				c.terminal = false
				return exportInto(ctx, c, r, c.stdout, &exported{counts: newDumpCounts()})
			}
			return exportFile(ctx, c, r, *to, *resume)
		})
	}
}

// exported is what an export has written so far.
type exported struct {
	// started says that the header is there, whole that the end is.
	started, whole bool
	// last is the last instance; nil where there is none.
	last   *instance.Instance
	counts dumpCounts
	// size is that of the lines, in bytes.
	size int64
}

// exportFile exports into a file.
func exportFile(ctx context.Context, c *call, r *registry, name string, resume bool) (err error) {
	path := c.path(name)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	isNew := err == nil
	switch {
	case errors.Is(err, fs.ErrExist) && !resume:
		return fmt.Errorf("%s exists and is not overwritten: choose another name, or go on with it by --resume", name)
	case errors.Is(err, fs.ErrExist):
		file, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	so, err := readExported(file)
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", name, err)
	}
	if so.whole {
		say(c.stderr, "%s is whole already: %s.\n", name, so.counts)
		return nil
	}
	// A line that was torn goes.
	if err := file.Truncate(so.size); err != nil {
		return err
	}
	if _, err := file.Seek(so.size, io.SeekStart); err != nil {
		return err
	}
	err = exportInto(ctx, c, r, file, &so)
	switch {
	case err == nil:
		return file.Sync()
	case so.counts.total() > 0:
		say(c.stderr, "%s has %d instances so far: the same command with --resume goes on.\n", name, so.counts.total())
	case isNew:
		return errors.Join(err, os.Remove(path))
	}
	return err
}

// readExported returns what an export that was interrupted has written.
func readExported(r io.Reader) (exported, error) {
	so := exported{counts: newDumpCounts()}
	for lines := newDumpReader(r); ; {
		line, whole, err := lines.line()
		if errors.Is(err, io.EOF) || err == nil && !whole && !so.whole {
			return so, nil
		}
		if err == nil {
			err = so.read(line)
		}
		if err != nil {
			return so, fmt.Errorf("line %d: %w", lines.number, err)
		}
		so.size = lines.end
	}
}

// read takes in the next line.
func (so *exported) read(line []byte) error {
	switch {
	case so.whole:
		return errors.New("stands behind the end")
	case !so.started:
		so.started = true
		return decodeHeader(line)
	}
	l, end, err := decodeLine(line)
	if err != nil {
		return err
	}
	if end != nil {
		so.whole = true
		return nil
	}
	_, key, err := l.place()
	if err != nil {
		return err
	}
	so.counts[l.Kind]++
	// This is all that tells its place in the order.
	so.last = &instance.Instance{Kind: key.Kind, Collection: key.Collection, ID: key.ID, CreatedAt: l.CreatedAt.Time}
	return nil
}

// exportInto writes what is missing behind so, and counts it there. What it
// has written when it fails ends with a whole line, if w takes it.
func exportInto(ctx context.Context, c *call, r *registry, w io.Writer, so *exported) error {
	buffer := bufio.NewWriterSize(w, 256<<10)
	bar := newProgress(c, "Exporting", -1)
	err := exportAll(ctx, c, r, buffer, so, bar)
	bar.end()
	if flushErr := buffer.Flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		say(c.stderr, "Exported %d instances: %s.\n", so.counts.total(), so.counts)
	}
	return err
}

func exportAll(ctx context.Context, c *call, r *registry, w io.Writer, so *exported, bar *progress) error {
	put := func(v any) error {
		line, err := encodeDump(v)
		if err != nil {
			return err
		}
		_, err = w.Write(line)
		return err
	}
	if !so.started {
		if err := put(dumpHeader{dumpFormat, dumpVersion, stamp{c.now()}}); err != nil {
			return err
		}
	}
	var kinds []instance.Kind
	for _, d := range dialects() {
		kinds = append(kinds, d.kind)
	}
	for i, err := range r.All(ctx, kinds, so.last) {
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("read the instances: %w", err)
		}
		line, err := newDumpLine(i)
		if err != nil {
			return err
		}
		if err := put(line); err != nil {
			return err
		}
		so.counts[i.Kind.Name]++
		bar.add()
	}
	return put(dumpEnd{so.counts})
}
