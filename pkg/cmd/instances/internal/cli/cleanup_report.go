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
	t.Row("tidy up", r.Tidied)
	t.Row("purge ended keys", r.KeysPurged)
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
			what, age := d.What, text.Age(d.Age)
			if d.Count > 0 {
				what, age = fmt.Sprintf("%d %s", d.Count, d.What), ""
				if d.Count > 1 {
					what += "s"
				}
			}
			t.Row(what, d.Kind.Name, d.ID, d.Owner, text.Shorten(text.Cell(d.Name), text.MaxNameWidth), d.Since, age)
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
