package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// runner is one run of every suite. The first step that fails ends it: its
// error is kept in err, and all later steps do nothing.
type runner struct {
	base         *url.URL
	name, secret string
	out          io.Writer
	client       *http.Client
	// retryAfter is the pause before a request is sent again.
	retryAfter time.Duration
	// tag names everything that this run creates.
	tag string

	// may tells, for each permission tried so far, whether the key has it.
	may             map[string]bool
	suites          []*suite
	passed, skipped int
	err             error
}

// suite tests one API. It creates at most one instance.
type suite struct {
	*runner
	api string
	// authorization is sent with each step that needs a permission.
	authorization string
	// idMember is the member of an instance that identifies it. If empty, the
	// tag does.
	idMember string
	// remove is the line of the request that deletes the instance {id}, and
	// gone the status of its answer if there is no such instance.
	remove, gone string

	// write is the permission that created the instance; the steps after that
	// need it as well.
	write string
	// creation is set while the instance may exist. It has an Idempotency-Key:
	// when its answer is lost, sending it again tells what was created.
	creation *request
	// id is empty until it is known.
	id string
}

// cleanUpTimeout bounds the clean-up as a whole.
const cleanUpTimeout = time.Minute

// run runs all suites and cleans up. Its error says what failed and what was
// left behind.
func (r *runner) run(ctx context.Context) error {
	r.print("%s as %s, run %s\n", r.base, r.name, r.tag)
	r.testGateway(ctx)
	r.testTopology(ctx)
	r.testCompute(ctx)
	r.testExecution(ctx)
	err := r.err
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	err = errors.Join(err, r.cleanUp(ctx))
	if err == nil && !slices.Contains(slices.Collect(maps.Values(r.may)), true) {
		err = errors.New("the key has no permission at all, so nothing was tested")
	}
	if err == nil {
		r.print("all is well: %d steps passed, %d skipped\n", r.passed, r.skipped)
	}
	return err
}

// start begins the suite of one API.
func (r *runner) start(s suite) *suite {
	s.runner = r
	r.suites = append(r.suites, &s)
	return &s
}

// create is the step that creates the instance of the suite. The header in
// line is an Idempotency-Key.
func (s *suite) create(ctx context.Context, what, permission, line string, body object, status string, checks ...check) {
	if s.err != nil {
		return
	}
	s.write = permission
	s.creation = &request{line: line, body: body, authorization: s.authorization}
	s.do(ctx, what, permission, line, body, status, append([]check{s.identify}, checks...)...)
}

// identify learns from an answer which instance was created.
func (s *suite) identify(a answer) error {
	if s.idMember == "" {
		s.id = s.tag
		return nil
	}
	var created members
	if err := a.decode(&created); err != nil {
		return err
	}
	switch id := strings.Trim(string(created[s.idMember]), `"`); id {
	case "", "0", "null":
		return fmt.Errorf("there is no %s", s.idMember)
	default:
		s.id = id
		return nil
	}
}

// do takes one step: a request and what its answer must be. It skips the step
// if the key has no permission for it or for the create that it builds on. A
// step that needs no permission has no credentials either.
func (s *suite) do(ctx context.Context, what, permission, line string, body object, status string, checks ...check) {
	if s.err != nil {
		return
	}
	for _, p := range []string{permission, s.write} {
		if may, tried := s.may[p]; tried && !may {
			s.skip(what, p)
			return
		}
	}
	q := request{line: line, body: body}
	if permission != "" {
		q.authorization = s.authorization
	}
	start := time.Now()
	a, err := s.send(ctx, q, status, checks...)
	if s.id == "" && a.status >= 400 && a.status < 500 {
		s.creation = nil
	}
	switch {
	case a.status == http.StatusForbidden && err != nil && permission != "" && !s.may[permission]:
		s.may[permission] = false
		s.skip(what, permission)
	case err != nil:
		s.line("FAIL", what, "")
		s.err = fmt.Errorf("%s, %s: %w", s.api, what, err)
	default:
		if line == s.removal() {
			s.creation = nil
		}
		if permission != "" {
			s.may[permission] = true
		}
		s.passed++
		s.line("ok", what, fmt.Sprintf("%d ms", time.Since(start).Milliseconds()))
	}
}

func (s *suite) removal() string { return strings.ReplaceAll(s.remove, "{id}", s.id) }

// cleanUp removes what is left, even if ctx has ended. Its error names what it
// could not remove.
func (r *runner) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	var errs []error
	for _, s := range r.suites {
		if s.creation == nil {
			continue
		}
		switch existed, err := s.cleanUp(ctx); {
		case err != nil && s.id == "":
			errs = append(errs, fmt.Errorf("may be left behind: %s instance named %s: %w", s.api, s.tag, err))
		case err != nil:
			errs = append(errs, fmt.Errorf("left behind: %s instance named %s, to be removed with %s: %w", s.api, s.tag, s.removal(), err))
		case existed:
			(&suite{runner: r, api: "clean-up"}).line("ok", s.api+" instance is removed", "")
		}
	}
	return errors.Join(errs...)
}

// cleanUp removes the instance, and reports whether there was one.
func (s *suite) cleanUp(ctx context.Context) (existed bool, err error) {
	if s.id == "" {
		a, err := s.send(ctx, *s.creation, "200 or 201", s.identify)
		switch {
		case a.status == http.StatusConflict || a.status == http.StatusTooManyRequests:
			// The first request may have created it, or be doing so still.
			return false, err
		case a.status >= 400 && a.status < 500:
			return false, nil
		case err != nil:
			return false, err
		}
	}
	_, err = s.send(ctx, request{line: s.removal(), authorization: s.authorization}, "200 or 204 or "+s.gone)
	return err == nil, err
}

func (s *suite) skip(what, permission string) {
	if s.id == "" {
		s.creation = nil
	}
	s.skipped++
	s.line("skip", what, "the key lacks "+permission)
}

func (s *suite) line(result, what, remark string) {
	s.print("%s\n", strings.TrimRight(fmt.Sprintf("%-4s  %-9s  %-48s  %s", result, s.api, what, remark), " "))
}

// print ignores errors: there is nobody to report them to.
func (r *runner) print(format string, values ...any) {
	_, _ = io.WriteString(r.out, r.mask(fmt.Sprintf(format, values...)))
}

// mask removes the secret of the key from text.
func (r *runner) mask(text string) string { return strings.ReplaceAll(text, r.secret, "***") }
