package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tour is one run of all stories.
type tour struct {
	base         *url.URL
	name, secret string
	out          io.Writer
	client       *http.Client
	now          func() time.Time
	wait         func(context.Context, time.Duration) error
	// tag is in the names of all that this run makes.
	tag string

	// lacking are the permissions for which an answer was 403, proven those
	// for which it was not.
	lacking, proven map[string]bool
	leftovers       []*leftover
	done, skipped   int
}

// step is one request of a story, and what its answer has to be.
type step struct {
	what string
	// needs are the permissions without which the step is skipped. The first
	// is that of the request, others are of the steps that it builds upon.
	needs []string
	// request is called when it is the step's turn.
	request  func() request
	statuses []int
	// check looks at an answer with one of the statuses; it may be nil.
	check func(answer) error
	// lags says that an index may need some time, so that the step is
	// repeated while check fails.
	lags bool
	// makes is what the step makes, removes what it removes again. They may
	// be nil.
	makes, removes *leftover
}

// story is what one API goes through, in order.
type story struct {
	api   string
	steps []step
}

// How often a step whose index lags is repeated, and a request that was
// throttled is sent again, and the time in between.
const (
	lagTries      = 20
	throttleTries = 5
	tryAgainAfter = 500 * time.Millisecond
)

// run goes through all stories. Its error says what failed, and what was left
// behind.
func (t *tour) run(ctx context.Context) error {
	t.say("%s as %s, run %s\n", t.base, t.name, t.tag)
	err := t.tell(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	err = errors.Join(err, t.cleanUp(ctx))
	if err == nil && len(t.proven) == 0 {
		err = errors.New("the key has no permission at all, so nothing was tried")
	}
	if err == nil {
		t.say("all is well: %d steps, %d skipped\n", t.done, t.skipped)
	}
	return err
}

func (t *tour) tell(ctx context.Context) error {
	for _, s := range []story{t.gateway(), t.topology(), t.compute(), t.execution()} {
		for _, step := range s.steps {
			if err := t.take(ctx, s.api, step); err != nil {
				return fmt.Errorf("%s, %s: %w", s.api, step.what, err)
			}
		}
	}
	return nil
}

// take does one step, or skips it.
func (t *tour) take(ctx context.Context, api string, s step) error {
	for _, permission := range s.needs {
		if t.lacking[permission] {
			t.skip(api, s.what, permission)
			return nil
		}
	}
	start := t.now()
	r := s.request()
	if s.makes != nil {
		// From here on it may be there.
		s.makes.create = r
		t.leftovers = append(t.leftovers, s.makes)
	}
	a, err := t.try(ctx, s, r)
	if s.makes != nil && a.status >= 400 && a.status < 500 {
		t.forget(s.makes)
	}
	if errors.Is(err, errForbidden) && len(s.needs) > 0 && !t.proven[s.needs[0]] {
		t.lacking[s.needs[0]] = true
		t.skip(api, s.what, s.needs[0])
		return nil
	}
	if s.makes != nil && slices.Contains(s.statuses, a.status) {
		if located, err := s.makes.locate(a); err == nil {
			s.makes.remove = &located
		}
	}
	if err != nil {
		t.line("FAIL", api, s.what, "")
		return err
	}
	if s.removes != nil {
		t.forget(s.removes)
	}
	if len(s.needs) > 0 {
		t.proven[s.needs[0]] = true
	}
	t.done++
	t.line("ok", api, s.what, fmt.Sprintf("%d ms", t.now().Sub(start).Milliseconds()))
	return nil
}

// errForbidden says that an answer was 403 where it should not be.
var errForbidden = errors.New("the key may not do it")

// try sends the request until its answer is right, as often as the step
// allows.
func (t *tour) try(ctx context.Context, s step, r request) (answer, error) {
	for tries := 1; ; tries++ {
		a, err := t.send(ctx, r)
		if err != nil {
			return a, err
		}
		switch {
		case slices.Contains(s.statuses, a.status) && s.check != nil:
			err = s.check(a)
		case !slices.Contains(s.statuses, a.status):
			err = fmt.Errorf("the status is not %s", either(s.statuses))
			if a.status == http.StatusForbidden {
				err = errors.Join(errForbidden, err)
			}
			s.lags = false
		}
		if err == nil || !s.lags || tries == lagTries {
			if err != nil {
				err = fmt.Errorf("%s: %w", a, err)
			}
			return a, err
		}
		if err := t.wait(ctx, tryAgainAfter); err != nil {
			return a, err
		}
	}
}

// either words statuses.
func either(statuses []int) string {
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = strconv.Itoa(s)
	}
	return strings.Join(words, " or ")
}

func (t *tour) skip(api, what, permission string) {
	t.skipped++
	t.line("skip", api, what, "the key lacks "+permission)
}

func (t *tour) line(result, api, what, remark string) {
	t.say("%s\n", strings.TrimRight(fmt.Sprintf("%-4s  %-9s  %-48s  %s", result, api, what, remark), " "))
}

// say prints. Where that fails, there is nobody to tell.
func (t *tour) say(format string, values ...any) {
	_, _ = io.WriteString(t.out, t.masked(fmt.Sprintf(format, values...)))
}

// masked is a text without the secret of the key.
func (t *tour) masked(text string) string { return strings.ReplaceAll(text, t.secret, "***") }
