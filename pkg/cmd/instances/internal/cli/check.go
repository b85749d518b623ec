package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/repository/bolt"
)

func (e *environment) check() *cobra.Command {
	var where location
	c := &cobra.Command{
		Use:     "check",
		GroupID: groupData,
		Short:   "Check the embedded database from end to end",
		Long: `Reads everything in the data folder's database, also while serve has it open, and
changes nothing: the pages of the file, the checksum of every record, and then
whether instances, codes, groups, the trash, the history, keys and the records for
repeated requests agree. It prints a line for each problem, and exits with 1 if there
is one.

serve checks the file at each start too: all of it up to 64 MB, and in a larger one
what leads to the records.`,
		Example: examples("instances check", "instances check --data /srv/registry"),
		Args:    arguments(),
	}
	where.folderFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx := c.Context()
		return where.withStore(ctx, e,
			func(r *bolt.Repository) error { return e.checked(r.Check(ctx, kinds.Stored())) },
			func(database string) error {
				return e.checked(bolt.Check(ctx, database, kinds.Stored(), lockTimeout))
			})
	}
	return c
}

// checked prints what a check found.
func (e *environment) checked(report bolt.Report, err error) error {
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		if _, err := fmt.Fprintln(e.stdout, strings.Join(report.Problems, "\n")); err != nil {
			return err
		}
		say(e.stderr, "The database is damaged: stop what uses it, keep the file, and copy a backup over it.\n")
		return exitError(exitFailed)
	}
	_, err = fmt.Fprintf(e.stdout, "All is well: %d instances, %d deleted, %d history records, %d keys, %d records for repeated requests.\n",
		report.Instances, report.Deleted, report.Events, report.Credentials, report.Answers)
	return err
}
