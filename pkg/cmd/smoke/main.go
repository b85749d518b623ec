// Command smoke tests a deployed API from end to end with one key:
//
//	KEY=NAME:SECRET go run ./pkg/cmd/smoke --url https://ID.execute-api.REGION.amazonaws.com/live
//
// It creates, reads, changes and deletes one instance of each API and prints
// each step. It skips the steps that the key has no permission for, and says
// so. It deletes what it created, even after a failure or Ctrl-C.
//
// It exits with 0 if every step passed, 1 if a step failed or something was
// left behind, and 2 if its arguments are wrong.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// requestTimeout bounds one request: API Gateway answers within 29 seconds.
const requestTimeout = 35 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: KEY=NAME:SECRET smoke --url URL")
		flags.PrintDefaults()
	}
	address := flags.String("url", getenv("URL"), "`URL` of the API, including its stage")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return exitUsage
	}
	r, err := newRunner(*address, getenv("KEY"), stdout)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(stderr, "smoke:", err)
		return exitUsage
	}
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(stderr, "smoke:", r.mask(err.Error()))
		return exitFailed
	}
	return 0
}

// newRunner returns a runner for the API at address and the key NAME:SECRET.
func newRunner(address, key string, out io.Writer) (*runner, error) {
	if address == "" {
		return nil, errors.New("--url is missing: give the URL of the API, as in https://ID.execute-api.REGION.amazonaws.com/live")
	}
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("--url %q is not a URL with only a host and a path", address)
	}
	host := base.Hostname()
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback) {
		return nil, fmt.Errorf("--url %q would send the key in clear: only https is accepted, except for this machine", address)
	}
	name, secret, ok := strings.Cut(key, ":")
	if !ok || name == "" || secret == "" {
		return nil, errors.New("KEY is not NAME:SECRET, the name of a key and what `instances keys create` printed for it")
	}
	return &runner{
		base: base, name: name, secret: secret, out: out, retryAfter: 500 * time.Millisecond,
		client: &http.Client{
			Timeout: requestTimeout,
			// No step expects a redirect, and nobody else may see the key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		tag: "smoke-" + strings.ToLower(rand.Text()[:12]),
		may: map[string]bool{},
	}, nil
}
