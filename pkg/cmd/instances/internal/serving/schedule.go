package serving

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"instances/pkg/app/local"
)

const (
	// firstRun is how long after the start the functions on a schedule run for
	// the first time, so that the start is not slower for them.
	firstRun = 5 * time.Second
	// nextRun is how long after a run they run again.
	nextRun = 24 * time.Hour
)

// Schedule runs the functions that the template has on a schedule until the
// server stops, whatever else their schedules say: shortly after the start, and
// then once a day. What it returns ends that, and returns when nothing runs.
func (s *Server) Schedule(ctx context.Context, functions *local.Functions) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait := firstRun; ; wait = nextRun {
			select {
			case <-ctx.Done():
				return
			case <-s.After(wait):
			}
			for _, f := range s.Template.Functions {
				for _, schedule := range f.Schedules {
					s.runScheduled(ctx, functions, f.Name, schedule.Event(s.Now()))
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// runScheduled runs a function, which logs what it did, and logs why it could
// not. The server continues in any case.
func (s *Server) runScheduled(ctx context.Context, functions *local.Functions, function string, event []byte) {
	defer func() {
		if v := recover(); v != nil {
			s.Logger.Error("scheduled function panicked", "function_name", function, "error", fmt.Sprint(v), "stack_trace", string(debug.Stack()))
		}
	}()
	_, err := functions.Invoke(ctx, function, event)
	// A server that stops interrupts it, and the next start continues.
	if err != nil && ctx.Err() == nil {
		s.Logger.Error("scheduled function failed", "function_name", function, "error", err.Error())
	}
}
