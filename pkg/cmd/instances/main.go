// Command instances is the registry on the command line: it serves the API on
// this machine, invokes single functions, and looks after the keys, the catalogue
// of GPUs, the history and what was deleted, of an embedded database or of a
// DynamoDB table, and moves instances between these. See its help.
//
// It exits with 0 when all went well, 1 when something failed, and 2 when it
// was used in a wrong way.
package main

import (
	"os"

	"instances/pkg/cmd/instances/internal/cli"
)

func main() { os.Exit(cli.Run()) }
