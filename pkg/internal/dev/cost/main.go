// Command cost measures what each operation of each API consumes, and prints
// what a million calls of it cost at the list prices of AWS.
//
// The functions run as they get deployed, over the Lambda Runtime API, behind
// the local gateway. A meter between them and DynamoDB Local adds up the
// capacity that the engine reports. Where AWS rounds otherwise, the meter
// follows AWS; [units] says how.
//
// How the rest is counted:
//   - Calls are warm, and the process knows the key and the layout of the table.
//     It reads a key once a minute, which has a row of its own, and so it does the
//     layout where it writes, which costs the same.
//   - The time of a function is its own work on this machine, as much longer as
//     it has less than one processor with its memory, and an assumed wait for
//     each call of DynamoDB. Lambda rounds the sum up to a millisecond.
//   - A call logs the access line, which is taken to be as long as its format
//     in the template, the function's own lines, and two lines of Lambda.
//   - Answers are not compressed, and go to the internet.
//   - Minor items are left out: requests of DynamoDB to KMS, which it remembers
//     for minutes, the queues, the mails of alarms, what it takes to keep logs.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"instances/pkg/internal/dev"
	"instances/pkg/rehearsal"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

func main() { dev.Main("cost", run) }

// rounds is how often each operation is measured.
const rounds = 20

func run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	instances := flags.Int("instances", 1000, "how many instances of each kind there are: a `NUMBER` from 100 to 100000")
	const usage = "cost [--instances NUMBER]"
	if err := dev.Parse(flags, args, 0, usage, stderr); err != nil {
		return err
	}
	if *instances < 100 || *instances > 100_000 {
		_, _ = fmt.Fprintln(stderr, "usage:", usage)
		return dev.ErrUsage
	}
	_, _ = fmt.Fprintln(stderr, "Building the functions and starting DynamoDB Local.")
	folder, err := rehearsal.Build(ctx, root)
	if err != nil {
		return err
	}
	engine, err := dynamolocal.Start(ctx, root)
	if err != nil {
		return err
	}
	defer engine.Stop()
	table := dynamolocal.Table{Endpoint: engine.Endpoint, Name: "instances"}
	t, err := template.Load(filepath.Join(root, "template.yaml"), template.With("Table", table.Name))
	if err != nil {
		return err
	}
	if err := table.Create(ctx, t.Tables[0]); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, "Measuring with %d instances of each kind.\n", *instances)
	m := measurement{template: t, functions: folder, table: table, instances: *instances, rounds: rounds}
	r, err := m.run(ctx)
	if err != nil {
		return err
	}
	return writeTable(stdout, r)
}
