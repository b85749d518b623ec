package transfer

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is how often a progress bar is drawn again at most.
const progressInterval = 200 * time.Millisecond

// Console is where a transfer reports to a person.
type Console struct {
	Stderr io.Writer
	// Terminal says that Stderr is a terminal, for bars of progress.
	Terminal bool
}

// say writes a message. If that fails, there is nobody to tell.
func (c Console) say(format string, values ...any) {
	_, _ = fmt.Fprintf(c.Stderr, format, values...)
}

// progress shows on a terminal how far a command is, and elsewhere nothing. It
// is safe for concurrent use.
type progress struct {
	mu      sync.Mutex
	console Console
	// bar is nil unless somebody watches.
	bar *progressbar.ProgressBar
}

// newProgress starts a bar for so many instances; a negative number
// is not known.
func newProgress(c Console, what string, total int) *progress {
	p := &progress{console: c}
	if c.Terminal {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.Stderr),
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
		// If it cannot be drawn, nobody watches.
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
	p.console.say(format, values...)
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
