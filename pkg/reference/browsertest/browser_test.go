// Package browsertest_test tries the reference page in a real browser: Chromium
// or Chrome, without a window, driven by chromedp. It is a package of its own so
// that no other links chromedp.
package browsertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pageTimeout bounds what a test does with a page, on a busy machine too.
const pageTimeout = 4 * time.Minute

// startBrowser starts a browser that ends with the test, in whose context pages
// are opened. Where there is no browser it skips the test, or fails it if CI is
// true.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := findBrowser()
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("NOT TESTED in a browser: ", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.WindowSize(1200, 900),
		// Only this machine is reachable.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	if os.Geteuid() == 0 {
		// Root cannot have the sandbox.
		options = append(options, chromedp.NoSandbox)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// findBrowser returns the path of a browser.
func findBrowser() (string, error) {
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium or google-chrome")
}

// tab is a page in the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// requests are the addresses that the page has asked for, and errors what
	// it has written on the console as errors.
	requests, errors []string
}

// openTab opens an address in a page of its own.
func openTab(browser context.Context, t *testing.T, address string) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	// The first use opens the page, and must not have a limit of its own.
	p := &tab{t: t}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	t.Cleanup(cancel)
	p.ctx = ctx
	p.do("open "+address, chromedp.Navigate(address))
	return p
}

// listen records what the page does.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" {
			p.errors = append(p.errors, fmt.Sprint("console: ", e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			p.errors = append(p.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// do takes steps.
func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.fail(what, err)
	}
}

// fail ends the test with what could not be done, and what the page has to say.
func (p *tab) fail(what string, err error) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%s: %v; the console has %q", what, err, p.errors)
}

// until waits until a function of JavaScript, given by its body, returns something
// that is neither false nor empty, and returns that. chromedp.Poll would compile the
// body in the page, which the policy of the page does not allow.
func until[T any](p *tab, body string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](`new Promise((resolve) => {
		let observer;
		const look = () => {
			const value = (() => {`+body+`})();
			if (!value || value.length === 0) return;
			observer.disconnect();
			resolve(value);
		};
		observer = new MutationObserver(look);
		observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
		look();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.fail("wait for "+body, err)
	}
	return value
}

// check reports what has gone elsewhere than to the origin, and errors.
func (p *tab) check(origin string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		p.t.Error("no request was seen")
	}
	for _, address := range p.requests {
		if !strings.HasPrefix(address, origin+"/") && !strings.HasPrefix(address, "data:") {
			p.t.Errorf("the page asks for %s", address)
		}
	}
	if len(p.errors) > 0 {
		p.t.Errorf("the console has %q", p.errors)
	}
}
