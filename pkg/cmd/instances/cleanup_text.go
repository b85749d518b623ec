package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"instances/pkg/cleanup"
)

func writeReportJSON(w io.Writer, r cleanup.Report) error { return writeJSON(w, r) }

// writeReportText writes the counts of each step, in the order in which the
// steps are taken.
func writeReportText(w io.Writer, r cleanup.Report) error {
	heading := "DONE"
	if r.DryRun {
		heading = "DUE"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(step string, n any) {
		// The writer keeps its first error for Flush.
		_, _ = fmt.Fprintf(table, "%s\t%v\n", step, n)
	}
	row("STEP", heading)
	for _, kind := range slices.Sorted(maps.Keys(r.IdleDeleted)) {
		row("delete idle "+kind+" instances", r.IdleDeleted[kind])
	}
	row("forget unused collections", r.CollectionsForgotten)
	row("purge ended keys", r.KeysPurged)
	row("purge expired idempotency records", r.IdempotencyPurged)
	row("purge expired history records", r.HistoryPurged)
	for _, d := range dialects() {
		row("purge deleted "+d.kind.Name+" instances", r.DeletedPurged[d.kind.Name])
	}
	return table.Flush()
}

// dueList prints what a cleanup would do.
type dueList struct {
	w      io.Writer
	asJSON bool
	table  *tabwriter.Writer
	// begun says that the table has its heading.
	begun bool
	list  []cleanup.Due
}

func newDueList(w io.Writer, asJSON bool) *dueList {
	return &dueList{w: w, asJSON: asJSON, table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), list: []cleanup.Due{}}
}

// add takes one thing that is due.
func (l *dueList) add(d cleanup.Due) error {
	if l.asJSON {
		l.list = append(l.list, d)
		return nil
	}
	what := d.What
	if n := d.Idempotency + d.History; n > 0 {
		what = fmt.Sprintf("%d %s", n, what)
	}
	if !l.begun {
		_, _ = fmt.Fprintln(l.table, "DUE\tKIND\tID\tOWNER\tNAME\tSINCE\tAGE")
		l.begun = true
	}
	_, err := fmt.Fprintf(l.table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", what, textOrDash(d.Kind.Name), textOrDash(d.ID),
		textOrDash(d.Owner), shorten(textOrDash(d.Name), maxNameWidth), orDash(d.Since), age(d.Age))
	return err
}

// previewJSON is a whole dry run.
type previewJSON struct {
	cleanup.Report
	Due []cleanup.Due `json:"due"`
}

// end prints the list and what it comes to.
func (l *dueList) end(r cleanup.Report) error {
	if l.asJSON {
		return writeJSON(l.w, previewJSON{r, l.list})
	}
	if l.begun {
		_, _ = fmt.Fprintln(l.table)
	}
	if err := l.table.Flush(); err != nil {
		return err
	}
	return writeReportText(l.w, r)
}
