package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"instances/pkg/cleanup"
	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/text"
)

// writeReport writes the counts of each step, in the order in which the steps
// are taken.
func writeReport(w io.Writer, r cleanup.Report, asJSON bool) error {
	if asJSON {
		return writeJSON(w, r)
	}
	heading := "DONE"
	if r.DryRun {
		heading = "DUE"
	}
	t := text.NewTable(w, "STEP", heading)
	for _, kind := range slices.Sorted(maps.Keys(r.IdleDeleted)) {
		t.Row("delete idle "+kind+" instances", r.IdleDeleted[kind])
	}
	t.Row("forget unused collections", r.CollectionsForgotten)
	t.Row("purge ended keys", r.KeysPurged)
	t.Row("purge expired idempotency records", r.IdempotencyPurged)
	t.Row("purge expired history records", r.HistoryPurged)
	for _, kind := range kinds.Names() {
		t.Row("purge deleted "+kind+" instances", r.DeletedPurged[kind])
	}
	return t.Flush()
}

// writePreview writes what a cleanup would do, and what it comes to.
func writePreview(w io.Writer, r cleanup.Report, due []cleanup.Due, asJSON bool) error {
	if asJSON {
		return writeJSON(w, struct {
			cleanup.Report
			Due []cleanup.Due `json:"due"`
		}{r, due})
	}
	if len(due) > 0 {
		t := text.NewTable(w, "DUE", "KIND", "ID", "OWNER", "NAME", "SINCE", "AGE")
		for _, d := range due {
			what := d.What
			if n := d.Idempotency + d.History; n > 0 {
				what = fmt.Sprintf("%d %s", n, what)
			}
			t.Row(what, d.Kind.Name, d.ID, d.Owner, text.Shorten(text.Cell(d.Name), text.MaxNameWidth), d.Since, text.Age(d.Age))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return writeReport(w, r, false)
}
