package main

import (
	"context"
)

// command is one of the commands of the program.
type command struct {
	// name is one word, or two.
	name string
	// arguments are the names of the arguments that are no flags.
	arguments []string
	// summary is half a line, details are whole ones.
	summary, details string
	// examples are command lines.
	examples []string
	// prepare adds the flags of the command to c, and returns what runs when
	// they are known. An error that is a [usageError] means exit code 2.
	prepare func(c *call) func(ctx context.Context) error
}

// commands returns the commands in the order of the help.
func commands() []command {
	return []command{
		serveCommand(), invokeCommand(),
		keysCreateCommand(), keysListCommand(), keysRevokeCommand(),
		gpusImportCommand(), gpusListCommand(),
		deletedCommand(), restoreCommand(), historyCommand(), cleanupCommand(),
		exportCommand(), importCommand(), backupCommand(), checkCommand(),
		versionCommand(),
	}
}
