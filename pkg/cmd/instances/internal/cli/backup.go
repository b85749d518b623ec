package cli

import (
	"github.com/spf13/cobra"

	"instances/pkg/repository/bolt"
)

func (e *environment) backup() *cobra.Command {
	var where location
	var to string
	c := &cobra.Command{
		Use:     "backup --to FILE",
		GroupID: groupMoving,
		Short:   "Copy the embedded database to a file",
		Long: `Copies everything in the data folder's database, as it is at one moment, also while
serve has it open: instances, keys, history, deleted instances and the catalogue of
GPUs. The secret in local.key is not in it, nor is any other.

The copy is written next to FILE, checked from end to end, and then renamed: an
existing FILE is replaced as a whole or not at all, and never by damaged data. The
folder of FILE must exist. To go back to a backup, stop serve and put the file in the
place of instances.db.

Tables have point-in-time recovery instead.`,
		Example: examples(
			"instances backup --to backups/monday.db",
			"instances backup --data /srv/registry --to registry.db",
		),
		Args: arguments(),
	}
	c.Flags().StringVar(&to, "to", "", "write the copy to `FILE`")
	where.folderFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if to == "" {
			return misused("--to is missing: give the name of a file")
		}
		ctx := c.Context()
		report := func(size int64, err error) error {
			if err == nil {
				say(e.stderr, "Wrote a backup of %d bytes to %s.\n", size, to)
			}
			return err
		}
		return where.withStore(ctx, e,
			func(r *bolt.Repository) error { return report(r.Backup(ctx, e.path(to))) },
			func(database string) error { return report(bolt.Backup(ctx, database, e.path(to), lockTimeout)) })
	}
	return c
}
