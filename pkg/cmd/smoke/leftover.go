package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// leftover is something that this run made, or may have made, and has to
// remove.
type leftover struct {
	what string
	// create is the request that makes it. It can be repeated: it has an
	// Idempotency-Key, so that it answers again what was made, where the first
	// answer was lost.
	create request
	// locate returns what removes the thing that the answer tells of.
	locate func(answer) (request, error)
	// remove is that request once it is known.
	remove *request
	// gone are the statuses that say that it is not there.
	gone []int
}

// cleanUpTimeout is how long the removal of everything may take.
const cleanUpTimeout = time.Minute

// forget takes something off the list of what has to be removed.
func (t *tour) forget(l *leftover) {
	t.leftovers = slices.DeleteFunc(t.leftovers, func(other *leftover) bool { return other == l })
}

// cleanUp removes what there still is, also where ctx has ended. Its error
// names what it could not remove.
func (t *tour) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	var errs []error
	for _, l := range t.leftovers {
		if err := t.remove(ctx, l); err != nil {
			state, how := "may be left behind:", ""
			if l.remove != nil {
				state, how = "left behind:", fmt.Sprintf(", to be removed with %s %s", l.remove.method, l.remove.path)
			}
			errs = append(errs, fmt.Errorf("%s %s named %s%s: %w", state, l.what, t.tag, how, err))
			continue
		}
		t.line("ok", "clean-up", l.what+" is removed", "")
	}
	t.leftovers = nil
	return errors.Join(errs...)
}

func (t *tour) remove(ctx context.Context, l *leftover) error {
	if l.remove == nil {
		a, err := t.send(ctx, l.create)
		switch {
		case err != nil:
			return err
		case a.status >= 400 && a.status < 500:
			// It was never made.
			return nil
		case a.status >= 300:
			return errors.New(a.String())
		}
		located, err := l.locate(a)
		if err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
		l.remove = &located
	}
	a, err := t.send(ctx, *l.remove)
	if err != nil {
		return err
	}
	if (a.status < 200 || a.status > 299) && !slices.Contains(l.gone, a.status) {
		return errors.New(a.String())
	}
	return nil
}
