package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/instance"
)

// Export writes all instances of r to w, and reports on the console.
func Export(ctx context.Context, r instance.Walker, w io.Writer, now time.Time, c Console) error {
	return exportInto(ctx, r, w, now, c, &exported{counts: newDumpCounts()})
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

// ExportFile exports into a new file at path, which messages call name. To
// resume goes on with an export that was interrupted.
func ExportFile(ctx context.Context, r instance.Walker, path, name string, resume bool, now time.Time, c Console) (err error) {
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
		c.say("%s is whole already: %s.\n", name, so.counts)
		return nil
	}
	// A line that was torn goes.
	if err := file.Truncate(so.size); err != nil {
		return err
	}
	if _, err := file.Seek(so.size, io.SeekStart); err != nil {
		return err
	}
	err = exportInto(ctx, r, file, now, c, &so)
	switch {
	case err == nil:
		return file.Sync()
	case so.counts.total() > 0:
		c.say("%s has %d instances so far: the same command with --resume goes on.\n", name, so.counts.total())
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
		return errors.New("comes after the end")
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
	_, key, err := l.key()
	if err != nil {
		return err
	}
	so.counts[l.Kind]++
	// This is all that tells its place in the order.
	so.last = &instance.Instance{Kind: key.Kind, Collection: key.Collection, ID: key.ID, CreatedAt: l.CreatedAt.Time}
	return nil
}

// exportInto writes what is missing after so, and counts it there. What it
// has written when it fails ends with a whole line, if w takes it.
func exportInto(ctx context.Context, r instance.Walker, w io.Writer, now time.Time, c Console, so *exported) error {
	buffer := bufio.NewWriterSize(w, 256<<10)
	bar := newProgress(c, "Exporting", -1)
	err := exportAll(ctx, r, buffer, now, so, bar)
	bar.end()
	if flushErr := buffer.Flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		c.say("Exported %d instances: %s.\n", so.counts.total(), so.counts)
	}
	return err
}

func exportAll(ctx context.Context, r instance.Walker, w io.Writer, now time.Time, so *exported, bar *progress) error {
	put := func(v any) error {
		line, err := encodeDump(v)
		if err != nil {
			return err
		}
		_, err = w.Write(line)
		return err
	}
	if !so.started {
		if err := put(dumpHeader{dumpFormat, dumpVersion, stamp{now}}); err != nil {
			return err
		}
	}
	for i, err := range r.All(ctx, kinds.Stored(), so.last) {
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
