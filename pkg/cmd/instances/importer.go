package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"

	"instances/pkg/instance"
)

const (
	// tableWriters is how many instances are written to a table at once.
	tableWriters = 16
	// folderWriters is the same for a folder, where writes that are under way
	// at once share the wait for the disk.
	folderWriters = 128
)

// outcome is what became of an instance.
type outcome int

const (
	// created says that the instance is there now.
	created outcome = iota
	// there says that it was.
	there
	// conflict says that another one is in its way.
	conflict
	outcomes
)

// importer creates the instances of a file that was checked.
type importer struct {
	c      *call
	r      *registry
	dryRun bool
	// writers is how many instances are under way at once.
	writers int
	// change is who imports; each instance is written at a time of its own.
	change instance.Change
	bar    *progress

	mu sync.Mutex
	// done counts by kind and outcome.
	done [outcomes]dumpCounts
}

func newImporter(c *call, r *registry, order importOrder) *importer {
	m := &importer{c: c, r: r, dryRun: order.dryRun, writers: order.writers, change: operatorChange("import", c.now())}
	for o := range m.done {
		m.done[o] = newDumpCounts()
	}
	return m
}

// total returns how many instances ended so.
func (m *importer) total(o outcome) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[o].total()
}

// task is an instance of the file.
type task struct {
	instance.Instance
	line int
}

// run imports the file. It returns when every write that was begun is over,
// with what stopped it.
func (m *importer) run(ctx context.Context, file io.Reader) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tasks := make(chan task)
	var writers sync.WaitGroup
	for range m.writers {
		writers.Go(func() {
			for next := range tasks {
				if err := m.take(ctx, next); err != nil {
					stop(err)
				}
			}
		})
	}
	if err := m.read(ctx, file, tasks); err != nil {
		stop(err)
	}
	close(tasks)
	writers.Wait()
	return context.Cause(ctx)
}

// read hands out the instances of the file until ctx is done.
func (m *importer) read(ctx context.Context, file io.Reader, tasks chan<- task) error {
	for lines := newDumpReader(file); ; {
		line, _, err := lines.line()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case lines.number == 1:
			continue
		}
		l, end, err := decodeLine(line)
		if end != nil {
			return nil
		}
		var i instance.Instance
		if err == nil {
			i, err = l.instance()
		}
		if err != nil {
			return fmt.Errorf("line %d was changed since it was checked: %w", lines.number, err)
		}
		select {
		case tasks <- task{i, lines.number}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take imports one instance, and counts and reports what became of it.
func (m *importer) take(ctx context.Context, next task) error {
	o, why, err := m.place(ctx, next.Instance)
	if err != nil {
		return fmt.Errorf("line %d: %w", next.line, err)
	}
	m.mu.Lock()
	m.done[o][next.Kind.Name]++
	m.mu.Unlock()
	if o == conflict {
		m.bar.say("line %d: conflict about the %s: %s\n", next.line, describe(next.Key()), printable(why))
	}
	m.bar.add()
	return nil
}

// place creates one instance unless it is there. Of a conflict it says why.
func (m *importer) place(ctx context.Context, i instance.Instance) (o outcome, why string, err error) {
	stored, err := m.r.Get(ctx, i.Key())
	switch {
	case err == nil:
		o, why = compareImported(i, stored)
		return o, why, nil
	case !errors.Is(err, instance.ErrNotFound):
		return 0, "", err
	case m.dryRun:
		if why, err = m.codeHolder(ctx, i); err != nil || why == "" {
			return created, "", err
		}
		return conflict, why, nil
	}
	change := m.change
	change.At = m.c.now()
	switch err = m.r.Create(ctx, i, change, nil); {
	case err == nil:
		return created, "", nil
	case errors.Is(err, instance.ErrExists):
		if stored, err = m.r.Get(ctx, i.Key()); err != nil {
			return conflict, "its id was taken meanwhile", nil
		}
		o, why = compareImported(i, stored)
		return o, why, nil
	case errors.Is(err, instance.ErrCodeTaken):
		why, err = m.codeHolder(ctx, i)
		return conflict, cmp.Or(why, "its code was taken meanwhile"), err
	case errors.Is(err, instance.ErrTooLarge):
		return conflict, "it is too large to be stored there", nil
	}
	return 0, "", err
}

// compareImported tells whether the stored instance is the one in the file.
func compareImported(i, stored instance.Instance) (o outcome, why string) {
	switch fields := instance.Diff(i, stored); {
	case i.Incarnation != stored.Incarnation:
		return conflict, "another instance has its id"
	case i.Version != stored.Version:
		return conflict, fmt.Sprintf("it is there in version %d, and in the file in version %d", stored.Version, i.Version)
	case len(fields) > 0:
		return conflict, fmt.Sprintf("it is there in the same version, but its %s differs", fields[0].Field)
	}
	return there, ""
}

// codeHolder names the other instance that has the code of i, in a sentence;
// it is empty where there is none.
func (m *importer) codeHolder(ctx context.Context, i instance.Instance) (string, error) {
	if i.Code == "" {
		return "", nil
	}
	for holder, err := range m.r.Search(ctx, instance.Query{Kind: i.Kind, Code: i.Code, Limit: 1}) {
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("the %s has its code %s", describe(holder.Key()), i.Code), nil
	}
	return "", nil
}

// importedJSON is what was done about a kind.
type importedJSON struct {
	Kind      string `json:"kind"`
	Created   int    `json:"created"`
	There     int    `json:"there"`
	Conflicts int    `json:"conflicts"`
}

// list returns what was done about each kind.
func (m *importer) list() []importedJSON {
	var list []importedJSON
	for _, d := range dialects() {
		name := d.kind.Name
		list = append(list, importedJSON{name, m.done[created][name], m.done[there][name], m.done[conflict][name]})
	}
	return list
}

func (m *importer) writeJSON(w io.Writer) error { return writeJSON(w, m.list()) }

func (m *importer) writeText(w io.Writer) error {
	heading := "CREATED"
	if m.dryRun {
		heading = "TO CREATE"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "KIND\t%s\tTHERE ALREADY\tCONFLICTS\n", heading)
	for _, k := range m.list() {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", k.Kind, k.Created, k.There, k.Conflicts)
	}
	return table.Flush()
}
