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
	// started says that the header is there, complete that the end is.
	started, complete bool
	// last is the last instance; nil if there is none.
	last   *instance.Instance
	counts dumpCounts
	// size is that of the lines, in bytes.
	size int64
}

// ExportFile exports into a new file at path, which messages call name. Resume
// continues an export that was interrupted.
func ExportFile(ctx context.Context, r instance.Walker, path, name string, resume bool, now time.Time, c Console) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	isNew := err == nil
	switch {
	case errors.Is(err, fs.ErrExist) && !resume:
		return fmt.Errorf("%s exists and is not overwritten: choose another name, or continue it with --resume", name)
	case errors.Is(err, fs.ErrExist):
		file, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	done, err := readExported(file)
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", name, err)
	}
	if done.complete {
		c.say("%s is complete already: %s.\n", name, done.counts)
		return nil
	}
	// A torn line is cut off.
	if err := file.Truncate(done.size); err != nil {
		return err
	}
	if _, err := file.Seek(done.size, io.SeekStart); err != nil {
		return err
	}
	err = exportInto(ctx, r, file, now, c, &done)
	switch {
	case err == nil:
		return file.Sync()
	case done.counts.total() > 0:
		c.say("%s has %d instances so far: the same command with --resume continues.\n", name, done.counts.total())
	case isNew:
		return errors.Join(err, os.Remove(path))
	}
	return err
}

// readExported returns what an export that was interrupted has written.
func readExported(r io.Reader) (exported, error) {
	done := exported{counts: newDumpCounts()}
	for lines := newDumpReader(r); ; {
		line, whole, err := lines.line()
		if errors.Is(err, io.EOF) || err == nil && !whole && !done.complete {
			return done, nil
		}
		if err == nil {
			err = done.read(line)
		}
		if err != nil {
			return done, fmt.Errorf("line %d: %w", lines.number, err)
		}
		done.size = lines.end
	}
}

// read takes in the next line.
func (done *exported) read(line []byte) error {
	switch {
	case done.complete:
		return errors.New("comes after the end")
	case !done.started:
		done.started = true
		return decodeHeader(line)
	}
	l, end, err := decodeLine(line)
	if err != nil {
		return err
	}
	if end != nil {
		done.complete = true
		return nil
	}
	_, key, err := l.key()
	if err != nil {
		return err
	}
	done.counts[l.Kind]++
	// The order depends on nothing else.
	done.last = &instance.Instance{Kind: key.Kind, Collection: key.Collection, ID: key.ID, CreatedAt: l.CreatedAt.Time}
	return nil
}

// exportInto writes what is missing after done, and counts it there. What it
// has written when it fails ends with a whole line, if w takes it.
func exportInto(ctx context.Context, r instance.Walker, w io.Writer, now time.Time, c Console, done *exported) error {
	buffer := bufio.NewWriterSize(w, 256<<10)
	bar := newProgress(c, "Exporting", -1)
	err := exportAll(ctx, r, buffer, now, done, bar)
	bar.end()
	if flushErr := buffer.Flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		c.say("Exported %d instances: %s.\n", done.counts.total(), done.counts)
	}
	return err
}

func exportAll(ctx context.Context, r instance.Walker, w io.Writer, now time.Time, done *exported, bar *progress) error {
	put := func(v any) error {
		line, err := encodeDump(v)
		if err != nil {
			return err
		}
		_, err = w.Write(line)
		return err
	}
	if !done.started {
		if err := put(dumpHeader{dumpFormat, dumpVersion, stamp{now}}); err != nil {
			return err
		}
	}
	for i, err := range r.All(ctx, kinds.Stored(), done.last) {
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
		done.counts[i.Kind.Name]++
		bar.add()
	}
	return put(dumpEnd{done.counts})
}
