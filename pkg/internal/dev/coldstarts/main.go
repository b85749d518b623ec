// Command coldstarts measures how long the functions take from the start of
// their process to the answer to their first request:
//
//	go run ./pkg/internal/dev/coldstarts --rounds 20
//
// It builds the functions as they are deployed, for this machine, and two
// others to compare them with: one that does nothing, and one made the usual
// way, with the SDK's default configuration and the roots of the system. All
// run as processes over the Lambda Runtime API, on DynamoDB Local behind TLS.
// One round starts each of them, in a random order; medians are printed.
//
// What is measured, and what is not:
//   - The certificate of DynamoDB Local is signed by a root that is made for
//     the run. It takes its place among those of Amazon Trust Services in the
//     functions, by an overlay of that one file; all else is what is deployed.
//     The chain has as many certificates and keys of the kind that AWS has.
//   - The usual way reads the roots of this machine and that one: in one row from
//     the one file that systems have, and in another as provided.al2023 has Go
//     read them, which finds all of them again in each of two folders
//     (golang/go#79018).
//   - From its first request on, a process gets the share of a processor that
//     Lambda gives for its memory, by standing still for the rest of each
//     period. One column is without that. Nothing is downloaded, and the pages
//     of the binaries are in memory.
//   - The network has no delay. The functions call DynamoDB as often as said in
//     the table, the usual way once.
//
// It runs on Linux: elsewhere Go does not read the roots from files.
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

// tableName is the name of the table.
const tableName = "instances"

// warmUp is how many rounds are not counted: the engine gets faster at first.
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
		return errors.New("this runs on Linux only: elsewhere Go does not read the roots from files")
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
	// An overlay wants whole paths.
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
