package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

// outcome is what became of an instance.
type outcome int

const (
	// created says that the instance is there now.
	created outcome = iota
	// existed says that it was there already.
	existed
	// conflict says that another one is in its way.
	conflict
	outcomes
)

// Target is what an import needs of a repository.
type Target interface {
	instance.Getter
	instance.Creator
	instance.Searcher
	instance.NumberReserver
}

// Importer creates the instances of an export.
type Importer struct {
	Target Target
	// Change is who imports; each instance is written at its own time.
	Change instance.Change
	Now    func() time.Time
	// DryRun changes nothing.
	DryRun bool
	// Writers is how many instances are written at once.
	Writers int
	Console Console
}

// Imported is what became of the instances of a kind.
type Imported struct {
	Kind      string `json:"kind"`
	Created   int    `json:"created"`
	There     int    `json:"there"`
	Conflicts int    `json:"conflicts"`
}

// Import checks the file, which messages call name, and then creates its
// instances. It reports each conflict on the console. Of an error after the
// check it reports there how far it got.
func (m Importer) Import(ctx context.Context, file io.ReadSeeker, name string) ([]Imported, error) {
	content, err := checkDump(ctx, m.Console, file)
	var bad *badDumpError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("%s: %w\nNothing was changed", name, err)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if !m.DryRun {
		// From now on no new instance gets the id of one that is to come.
		for kind, upTo := range content.numbers {
			if err := m.Target.ReserveNumbers(ctx, kind, upTo); err != nil {
				return nil, err
			}
		}
	}
	run := &importRun{Importer: m, bar: newProgress(m.Console, "Importing", content.counts.total())}
	for o := range run.done {
		run.done[o] = newDumpCounts()
	}
	err = run.run(ctx, file)
	run.bar.end()
	if err != nil {
		m.Console.say("So far, %d instances were created, %d existed already, and %d were in conflict. Run the same command again to continue: it skips what exists.\n",
			run.done[created].total(), run.done[existed].total(), run.done[conflict].total())
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, err
	}
	var list []Imported
	for _, kind := range kinds.Names() {
		list = append(list, Imported{kind, run.done[created][kind], run.done[existed][kind], run.done[conflict][kind]})
	}
	return list, nil
}

// importRun is a running import of a file that was checked.
type importRun struct {
	Importer
	bar *progress

	mu sync.Mutex
	// done counts by outcome and kind.
	done [outcomes]dumpCounts
}

// task is an instance of the file.
type task struct {
	instance.Instance
	line int
}

// run imports the file. It returns when every write that was begun is over,
// with what stopped it.
func (m *importRun) run(ctx context.Context, file io.Reader) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tasks := make(chan task)
	var writers sync.WaitGroup
	for range m.Writers {
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
func (m *importRun) read(ctx context.Context, file io.Reader, tasks chan<- task) error {
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
func (m *importRun) take(ctx context.Context, next task) error {
	o, why, err := m.create(ctx, next.Instance)
	if err != nil {
		return fmt.Errorf("line %d: %w", next.line, err)
	}
	m.mu.Lock()
	m.done[o][next.Kind.Name]++
	m.mu.Unlock()
	if o == conflict {
		m.bar.say("line %d: conflict for the %s: %s\n", next.line, kinds.Describe(next.Key()), text.Printable(why))
	}
	m.bar.add()
	return nil
}

// create creates one instance unless it is there. Of a conflict it says why.
func (m *importRun) create(ctx context.Context, i instance.Instance) (o outcome, why string, err error) {
	stored, err := m.Target.Get(ctx, i.Key())
	switch {
	case err == nil:
		o, why = compareImported(i, stored)
		return o, why, nil
	case !errors.Is(err, instance.ErrNotFound):
		return 0, "", err
	case m.DryRun:
		if why, err = m.codeHolder(ctx, i); err != nil || why == "" {
			return created, "", err
		}
		return conflict, why, nil
	}
	change := m.Change
	change.At = m.Now()
	switch err = m.Target.Create(ctx, i, change, nil); {
	case err == nil:
		return created, "", nil
	case errors.Is(err, instance.ErrExists):
		if stored, err = m.Target.Get(ctx, i.Key()); err != nil {
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
		return conflict, fmt.Sprintf("it is stored in version %d, and the file has version %d", stored.Version, i.Version)
	case len(fields) > 0:
		return conflict, fmt.Sprintf("it is stored in the same version, but its %s differs", fields[0].Field)
	}
	return existed, ""
}

// codeHolder names the other instance that has the code of i, in a sentence;
// it is empty if there is none.
func (m *importRun) codeHolder(ctx context.Context, i instance.Instance) (string, error) {
	if i.Code == "" {
		return "", nil
	}
	for holder, err := range m.Target.Search(ctx, instance.Query{Kind: i.Kind, Code: i.Code, Limit: 1}) {
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("the %s has its code %s", kinds.Describe(holder.Key()), i.Code), nil
	}
	return "", nil
}
