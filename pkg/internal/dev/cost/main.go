// Command cost measures what each operation of each API uses, and prints what
// a million calls of it cost at the list prices of AWS.
//
// The functions run as they get deployed, over the Lambda Runtime API, behind
// the local gateway, on DynamoDB Local. A meter between them and the engine
// adds up request units as AWS charges them: the engine rounds the sum of a
// transaction, and AWS each item. The prices, and what cannot be measured
// without AWS, stand in prices.go.
//
// What is measured, and what is not:
//   - Calls are warm, and the process knows the key already. It reads it once
//     a minute, which has a row of its own.
//   - The time of a function is its own work on this machine, as much longer as
//     a processor is slower with the memory of the template, and a wait for each
//     call of DynamoDB that is assumed. Starts of processes are not part of it.
//   - Answers are not compressed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

func main() { dev.Main("cost", run) }

const (
	// rounds is how often each operation is measured.
	rounds = 20
	// defaultInstances and maxInstances are for each kind.
	defaultInstances = 1000
	maxInstances     = 100_000
)

func run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	instances := flags.Int("instances", defaultInstances, "how many instances of each kind there are: a `NUMBER` from 100 to 100000")
	const usage = "cost [--instances NUMBER]"
	if err := dev.Parse(flags, args, 0, usage, stderr); err != nil {
		return err
	}
	if *instances < 100 || *instances > maxInstances {
		_, _ = fmt.Fprintln(stderr, "usage:", usage)
		return dev.ErrUsage
	}
	t, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		return err
	}
	definition, ok := t.Table("Table")
	if !ok {
		return errors.New("the template has no table called Table")
	}
	_, _ = fmt.Fprintln(stderr, "Starting DynamoDB Local.")
	engine, err := dynamolocal.Start(ctx, root)
	if err != nil {
		return err
	}
	defer engine.Stop()
	table := dynamolocal.Table{Endpoint: engine.Endpoint, Name: "instances"}
	if err := table.Create(ctx, definition); err != nil {
		return err
	}
	m := measurement{root: root, table: table, instances: *instances, rounds: rounds, log: stderr}
	measured, err := m.run(ctx)
	if err != nil {
		return err
	}
	return writeTable(stdout, listPrices(), measured)
}
