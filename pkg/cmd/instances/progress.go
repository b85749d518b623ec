package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is how often a progress bar is drawn again at most.
const progressInterval = 200 * time.Millisecond

// progress shows on a terminal how far a command is, and elsewhere nothing. It
// is safe for concurrent use.
type progress struct {
	mu     sync.Mutex
	stderr io.Writer
	// bar is nil where nobody watches.
	bar *progressbar.ProgressBar
}

// newProgress starts a bar for so many instances; a number that is negative
// is not known.
func newProgress(c *call, what string, total int) *progress {
	p := &progress{stderr: c.stderr}
	if c.terminal {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.stderr),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(progressInterval),
			// It is drawn when something is added, and at no other time.
			progressbar.OptionSetSpinnerChangeInterval(0),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("instances"),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// add counts one instance.
func (p *progress) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		// Where it cannot be drawn, nobody watches.
		_ = p.bar.Add(1)
	}
}

// say writes a message above the bar.
func (p *progress) say(format string, values ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	say(p.stderr, format, values...)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		_ = p.bar.Exit()
		p.bar = nil
	}
}
