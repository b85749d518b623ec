// Command coldstarts measures how long the functions take from the start of
// their process to the answer to their first request:
//
//	go run ./pkg/internal/dev/coldstarts --rounds 20
//
// It builds the functions as they are deployed, but for this machine, and two
// others to compare them with: one that does nothing, and one written the usual
// way, with the SDK's default configuration and the system's root certificates.
// All run as processes over the Lambda Runtime API, on DynamoDB Local behind
// TLS. Each round starts all of them in a random order; the medians are printed.
//
// What is measured, and what is not:
//   - DynamoDB Local has a certificate from a root that is created for the run.
//     An overlay adds it to the functions' roots of Amazon Trust Services;
//     everything else is as deployed. The chain has as many certificates, and
//     the kind of keys, as that of AWS.
//   - The usual way reads this root and those of this machine: in one row from a
//     single file, as most systems have, and in another as Go reads them on
//     provided.al2023, again from each of two folders (golang/go#79018).
//   - From its first request on, a process gets the share of a processor that
//     Lambda gives for its memory: it is stopped for the rest of each period.
//     One column is without that limit. Nothing is downloaded, and the binaries
//     are in the page cache.
//   - The network has no delay. The table tells how often the functions call
//     DynamoDB; the usual way calls it once.
//
// It runs only on Linux: elsewhere Go does not read the roots from files.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

func main() { dev.Main("coldstarts", run) }

// tableName is the name of the table in DynamoDB Local.
const tableName = "instances"

// warmUp is the number of rounds before those that count: the engine gets
// faster at first.
const warmUp = 3

// maxRounds bounds a measurement to about an hour.
const maxRounds = 1000

func run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("coldstarts", flag.ContinueOnError)
	m := measurement{warmUp: warmUp, log: stderr}
	flags.IntVar(&m.rounds, "rounds", 20, "how often each function is started: a `NUMBER` from 1 to 1000")
	only := flags.String("function", "", "measure this `FUNCTION` alone, such as topology-get")
	const usage = "coldstarts [--rounds NUMBER] [--function NAME]"
	if err := dev.Parse(flags, args, 0, usage, stderr); err != nil {
		return err
	}
	if m.rounds < 1 || m.rounds > maxRounds {
		_, _ = fmt.Fprintln(stderr, "usage:", usage)
		return dev.ErrUsage
	}
	if runtime.GOOS != "linux" {
		return errors.New("this runs only on Linux: elsewhere Go does not read the roots from files")
	}
	t, err := template.Load(filepath.Join(root, "template.yaml"), template.With("Table", tableName))
	if err != nil {
		return err
	}
	m.functions = t.Functions
	if *only != "" {
		f, ok := t.Function(*only)
		if !ok {
			return fmt.Errorf("there is no function %q", *only)
		}
		m.functions = []template.Function{f}
	}
	// Overlays need absolute paths.
	if m.root, err = filepath.Abs(root); err != nil {
		return fmt.Errorf("find the project: %w", err)
	}
	m.say("Starting DynamoDB Local.")
	engine, err := dynamolocal.Start(ctx, m.root)
	if err != nil {
		return err
	}
	defer engine.Stop()
	m.table = dynamolocal.Table{Endpoint: engine.Endpoint, Name: tableName}
	if err := m.table.Create(ctx, t.Tables[0]); err != nil {
		return err
	}
	rows, err := m.run(ctx)
	if err != nil {
		return err
	}
	return writeTable(stdout, rows, m.rounds)
}
