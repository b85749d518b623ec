package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
)

// cuts are the ways in which the body of an answer can arrive incomplete.
func cuts() map[string]func([]byte) io.Reader {
	broken := func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), early{}) }
	return map[string]func([]byte) io.Reader{
		"before its first byte": func([]byte) io.Reader { return broken(nil) },
		"in the middle":         func(b []byte) io.Reader { return broken(b[:len(b)/2]) },
		"before its last byte":  func(b []byte) io.Reader { return broken(b[:len(b)-1]) },
		// A proxy may end it as if it were whole.
		"by a proxy":     func(b []byte) io.Reader { return bytes.NewReader(b[:len(b)/2]) },
		"all by a proxy": func([]byte) io.Reader { return bytes.NewReader(nil) },
	}
}

// early is what net/http reads where a connection ends too early.
type early struct{}

func (early) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// cut returns the response with an incomplete body.
func cut(t *testing.T, response *http.Response, how func([]byte) io.Reader) *http.Response {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(how(body))
	return response
}

// A refusal that arrives incomplete is asked for again, and then is what it
// would have been at once.
func TestCutRefusals(t *testing.T) {
	t.Parallel()
	for name, how := range cuts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			stale := f.create(t, 1)
			must(t, failure(f.other.Replace(t.Context(), stale, stale, f.change("other"), nil)))
			idem := &instance.Idempotency{
				Owner: "o", Route: "POST /", Key: "k", Fingerprint: "f", Answer: func(instance.Instance) ([]byte, error) { return []byte("answer"), nil },
				ExpiresAt: time.Now().Add(time.Hour),
			}
			must(t, f.other.Create(t.Context(), f.fresh(2), f.change("create"), idem))
			taken := f.fresh(3)
			taken.Code = stale.Code
			for _, test := range []struct {
				name string
				run  func() error
				want error
			}{
				{"create again", func() error {
					err := f.Create(t.Context(), f.fresh(2), f.change("create"), idem)
					if repeated, ok := errors.AsType[*instance.RepeatedError](err); !ok || string(repeated.Answer) != "answer" {
						return fmt.Errorf("no replay: %w", err)
					}
					return nil
				}, nil},
				{"create of an id that exists", func() error {
					return f.Create(t.Context(), f.fresh(1), f.change("create"), nil)
				}, instance.ErrExists},
				{"create with a code that is taken", func() error {
					return f.Create(t.Context(), taken, f.change("create"), nil)
				}, instance.ErrCodeTaken},
				{"replace of an older version", func() error {
					_, err := f.Replace(t.Context(), stale, stale, f.change("replace"), nil)
					return err
				}, instance.ErrConflict},
				{"touch of none", func() error {
					return f.Touch(t.Context(), f.fresh(99).Key(), time.Now())
				}, instance.ErrNotFound},
			} {
				refusals := 0
				f.wire.inject(func(c call) (*http.Response, error) {
					response, err := c.pass()
					if err != nil || response.StatusCode != http.StatusBadRequest {
						return response, err
					}
					if refusals++; refusals == 1 {
						return cut(t, response, how), nil
					}
					return response, nil
				})
				if err := test.run(); !errors.Is(err, test.want) {
					t.Errorf("%s: error is %v, want %v", test.name, err, test.want)
				}
				if refusals != 2 {
					t.Errorf("%s: refused %d times, want 2", test.name, refusals)
				}
			}
		})
	}
}

// A write whose first answer was lost, and whose second one, which tells that
// the first took effect, is cut, recognises its own commit all the same.
func TestCutRefusalOfOwnCommit(t *testing.T) {
	t.Parallel()
	for name, how := range cuts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			i := f.create(t, 1)
			answers := 0
			f.loseFirst(t, true, nil)
			lose := f.wire.fault
			f.wire.inject(func(c call) (*http.Response, error) {
				response, err := lose(c)
				if answers++; answers == 2 {
					return cut(t, response, how), nil
				}
				return response, err
			})
			after := i
			after.Name = "replaced"
			if _, err := f.Replace(t.Context(), i, after, f.change("replace"), nil); err != nil {
				t.Error(err)
			}
			if answers != 3 {
				t.Errorf("%d answers, want 3", answers)
			}
			if got := f.operations(t, i.Key()); got != "[replace create]" {
				t.Errorf("history is %s", got)
			}
		})
	}
}

// Refusals that are never whole end before the deadline. That the write took
// no effect is found out where that can be.
func TestCutRefusalsUntilDeadline(t *testing.T) {
	t.Parallel()
	for _, action := range append(reads(), writes()...) {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const patience = 2 * time.Second
				f, _ := still(func(c call) (*http.Response, error) {
					if c.Operation == "TransactWriteItems" && !isWork(c) {
						return c.answer(http.StatusOK, map[string]any{})
					}
					response, err := c.cancel("ConditionalCheckFailed")
					return cut(t, response, cuts()["in the middle"]), err
				})
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := action.run(ctx, f); !errors.Is(err, instance.ErrUnavailable) {
					t.Errorf("error is %v, want %v", err, instance.ErrUnavailable)
				}
				if took := time.Since(begin); took > patience {
					t.Errorf("it took %v of %v", took, patience)
				}
			})
		})
	}
}

// A write that reached nobody changed nothing, and says so.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	for _, action := range writes() {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _ := still(func(call) (*http.Response, error) {
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := action.run(ctx, f); !errors.Is(err, instance.ErrUnavailable) {
					t.Errorf("error is %v, want %v", err, instance.ErrUnavailable)
				}
			})
		})
	}
}

// However slow the engine is and however little time there is, a call ends
// within it, so that there always is an answer. A connection that hangs does not
// use up the time.
func TestSlowEngine(t *testing.T) {
	t.Parallel()
	for _, action := range append(reads(), writes()...) {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			for _, latency := range []time.Duration{300 * time.Millisecond, 3 * time.Second, time.Hour} {
				for _, patience := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 10 * time.Second} {
					synctest.Test(t, func(t *testing.T) {
						f, w := still(func(c call) (*http.Response, error) {
							select {
							case <-c.Context().Done():
								return nil, c.Context().Err()
							case <-time.After(latency):
								return c.busy()
							}
						})
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						begin := time.Now()
						err := action.run(ctx, f)
						took, calls := time.Since(begin), len(w.sent())
						if err == nil || took > patience || patience > 3*time.Second && calls < 2 {
							t.Errorf("latency %v: took %v of %v, in %d calls, error is %v", latency, took, patience, calls, err)
						}
					})
				}
			}
		})
	}
}
