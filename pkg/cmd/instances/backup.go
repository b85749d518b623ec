package main

import (
	"context"
	"errors"

	"instances/pkg/repository/bolt"
)

func backupCommand() command {
	return command{
		name:    "backup",
		summary: "copy the embedded database to a file",
		details: `Copies everything in the data folder's database, as it is at one moment, also while
serve has it open: instances, keys, history, deleted instances and the catalogue of
GPUs. The secret in local.key is not in it, nor is any other.

The copy is written next to FILE, checked from end to end, and then renamed: a FILE
that exists is replaced by a whole one, or stays as it is. What is damaged does not
become a backup. To go back to one, stop serve and put it in the place of instances.db.

Tables have point-in-time recovery instead.`,
		examples: []string{
			"instances backup --to backups/monday.db",
			"instances backup --data /srv/registry --to registry.db",
		},
		prepare: backup,
	}
}

func backup(c *call) func(context.Context) error {
	var where place
	to := c.flags.String("to", "", "write the copy to `FILE`")
	where.folderFlag(c)
	return func(ctx context.Context) error {
		switch {
		case where.data == "":
			return misused("--data is empty: give a folder")
		case *to == "":
			return misused("--to is missing: give the name of a file")
		}
		return where.withStore(ctx, c,
			func(r *bolt.Repository) error {
				return c.saved(*to)(r.Backup(ctx, c.path(*to)))
			},
			func(database string) error {
				return c.saved(*to)(bolt.Backup(ctx, database, c.path(*to), lockTimeout))
			})
	}
}

// saved returns what reports that a backup was made.
func (c *call) saved(to string) func(int64, error) error {
	return func(size int64, err error) error {
		if err == nil {
			say(c.stderr, "%s has a backup of %d bytes.\n", to, size)
		}
		return err
	}
}

// folderFlag adds the flag that chooses a data folder, for a command that does
// not work on tables.
func (p *place) folderFlag(c *call) {
	c.flags.StringVar(&p.data, "data", ".data", "work on the embedded database in `DIR`, also while serve has it open")
}

// withStore runs one of two functions: that for the database that this process
// serves, or that for a database file, which nobody serves.
func (p *place) withStore(ctx context.Context, c *call, served func(*bolt.Repository) error, unserved func(database string) error) error {
	if c.serving == nil {
		return p.withDatabase(ctx, c, unserved)
	}
	r, ok := c.serving.repository.(*bolt.Repository)
	if !ok {
		return errors.New("this process serves no embedded database")
	}
	return served(r)
}
