// Command checkbuild checks what sam build made:
//
//	go run ./pkg/cmd/checkbuild --architecture arm64 .aws-sam/build
//
// Each function of the template must be there as a static binary for the
// architecture, and nothing else. Where this machine can run them, each is
// started over the Lambda Runtime API: it must answer its sample event with
// 401 when the credentials in its headers are taken out, and with a 5xx as it
// is, since there is no DynamoDB to ask.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// errUsage says that the command was used wrongly, and that this was said.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("checkbuild", flag.ContinueOnError)
	flags.SetOutput(stderr)
	c := check{out: stdout}
	flags.StringVar(&c.architecture, "architecture", "arm64", "`NAME` as in the template: arm64 or x86_64")
	flags.StringVar(&c.template, "template", "template.yaml", "`FILE` that declares the functions")
	flags.StringVar(&c.events, "events", "events", "`FOLDER` of the sample events")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if flags.NArg() != 1 {
		_, _ = fmt.Fprintln(stderr, "usage: checkbuild [flags] FOLDER")
		return errUsage
	}
	c.build = flags.Arg(0)
	return c.run(ctx)
}
