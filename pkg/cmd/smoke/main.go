// Command smoke tries a deployed API out, from end to end, with a key:
//
//	KEY=NAME:SECRET go run ./pkg/cmd/smoke --url https://ID.execute-api.REGION.amazonaws.com/live
//
// It makes, reads, changes and deletes one instance of each API, and prints
// each step. Steps for which the key lacks the permission are skipped, and it
// says so. What it made it deletes again, also after a failure and after
// Ctrl-C.
//
// It exits with 0 when all steps went well, 1 when one failed or something was
// left behind, and 2 when it was used in a wrong way.
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

// requestTimeout is what one request may take: API Gateway answers within 29
// seconds.
const requestTimeout = 35 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The next signal ends the process at once.
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
	address := flags.String("url", getenv("URL"), "`URL` of the API, with its stage")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return exitUsage
	}
	t, err := newTour(*address, getenv("KEY"), stdout)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(stderr, "smoke:", err)
		return exitUsage
	}
	if err := t.run(ctx); err != nil {
		fmt.Fprintln(stderr, "smoke:", t.masked(err.Error()))
		return exitFailed
	}
	return 0
}

// newTour returns a tour of the API at the address with the key NAME:SECRET.
func newTour(address, key string, out io.Writer) (*tour, error) {
	if address == "" {
		return nil, errors.New("--url is missing: give the URL of the API, as in https://ID.execute-api.REGION.amazonaws.com/live")
	}
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("--url %q is not a URL with only a host and a path", address)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !isLoopback(base.Hostname())) {
		return nil, fmt.Errorf("--url %q would send the key in clear: only https is accepted, except for this machine", address)
	}
	name, secret, ok := strings.Cut(key, ":")
	if !ok || name == "" || secret == "" {
		return nil, errors.New("KEY is not NAME:SECRET, the name of a key and what `instances keys create` printed for it")
	}
	return &tour{
		base: base, name: name, secret: secret, out: out,
		client: &http.Client{
			Timeout: requestTimeout,
			// The API redirects nobody, and the key is for it alone.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now: time.Now, wait: wait,
		tag:     "smoke-" + strings.ToLower(rand.Text()[:12]),
		lacking: map[string]bool{}, proven: map[string]bool{},
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// wait returns after d, or with the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
