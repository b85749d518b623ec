// Command checkbuild checks the output of sam build:
//
//	go run ./pkg/internal/dev/checkbuild --architecture arm64 .aws-sam/build
//
// It must have a static binary for the architecture for each function of the
// template, and nothing else. If this machine can run them, each is started
// over the Lambda Runtime API: it must answer its sample event with 401 without
// the credentials in its headers and with a 5xx as it is, since DynamoDB cannot
// be reached. A function that is not behind the API must return an error.
package main

import (
	"context"
	"flag"
	"io"
	"path/filepath"

	"instances/pkg/internal/dev"
)

func main() { dev.Main("checkbuild", run) }

func run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("checkbuild", flag.ContinueOnError)
	c := check{out: stdout}
	flags.StringVar(&c.architecture, "architecture", "arm64", "`NAME` as in the template: arm64 or x86_64")
	flags.StringVar(&c.template, "template", filepath.Join(root, "template.yaml"), "`FILE` that declares the functions")
	flags.StringVar(&c.events, "events", filepath.Join(root, "events"), "`FOLDER` of the sample events")
	if err := dev.Parse(flags, args, 1, "checkbuild [flags] FOLDER", stderr); err != nil {
		return err
	}
	c.build = flags.Arg(0)
	return c.run(ctx)
}
