package main

import (
	"context"
	"fmt"
	"strings"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "check the embedded database from end to end",
		details: `Reads everything in the data folder's database, also while serve has it open, and
changes nothing: the pages of the file, the checksum of every record, and then
whether instances, codes, groups, the trash, the history, keys and the records for
repeated requests agree. It prints what is wrong, one line each, and ends with 1 if
anything is.

Every start of serve checks the file too, all of a small one (64 MB) and of a large
one what leads to the records.`,
		examples: []string{"instances check", "instances check --data /srv/registry"},
		prepare:  check,
	}
}

func check(c *call) func(context.Context) error {
	var where place
	where.folderFlag(c)
	return func(ctx context.Context) error {
		if where.data == "" {
			return misused("--data is empty: give a folder")
		}
		var kinds []instance.Kind
		for _, d := range dialects() {
			kinds = append(kinds, d.kind)
		}
		return where.withStore(ctx, c,
			func(r *bolt.Repository) error {
				return c.checked(r.Check(ctx, kinds))
			},
			func(database string) error {
				return c.checked(bolt.Check(ctx, database, kinds, lockTimeout))
			})
	}
}

// checked prints what a check found.
func (c *call) checked(report bolt.Report, err error) error {
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		if _, err := fmt.Fprintln(c.stdout, strings.Join(report.Problems, "\n")); err != nil {
			return err
		}
		say(c.stderr, "The database is damaged: stop what uses it, keep the file, and copy a backup over it.\n")
		return exitError(exitFailed)
	}
	_, err = fmt.Fprintf(c.stdout, "All is well: %d instances, %d deleted, %d history records, %d keys, %d records for repeated requests.\n",
		report.Instances, report.Deleted, report.Events, report.Credentials, report.Answers)
	return err
}
