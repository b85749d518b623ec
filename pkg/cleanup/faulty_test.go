package cleanup_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/instance"
)

var errInjected = errors.New("injected")

// faulty passes calls on to a repository, and asks before and after each one
// whether it fails. A step of an iterator is a call too.
type faulty struct {
	cleanup.Repository
	// before and after get the name of the method; an error of theirs is that
	// of the call. Either may be nil.
	before, after func(method string) error
}

func (f faulty) call(method string, do func() error) error {
	if f.before != nil {
		if err := f.before(method); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if f.after != nil {
		return f.after(method)
	}
	return nil
}

// isWrite reports whether the method changes something.
func isWrite(method string) bool {
	return method == "Delete" || method == "Tidy" || strings.HasPrefix(method, "Purge")
}

// stepwise is found with a call for each step.
func stepwise[T any](f faulty, method string, found iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next, stop := iter.Pull2(found)
		defer stop()
		for {
			var v T
			var more bool
			err := f.call(method, func() error {
				var err error
				v, err, more = next()
				return err
			})
			if err != nil {
				yield(*new(T), err)
				return
			}
			if !more || !yield(v, nil) {
				return
			}
		}
	}
}

func (f faulty) Deleted(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Deleted, error] {
	return stepwise(f, "Deleted", f.Repository.Deleted(ctx, kind, before))
}

func (f faulty) Purge(ctx context.Context, d instance.Deleted, change instance.Change) error {
	return f.call("Purge", func() error { return f.Repository.Purge(ctx, d, change) })
}

func (f faulty) EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[auth.Credential, error] {
	return stepwise(f, "EndedCredentials", f.Repository.EndedCredentials(ctx, before))
}

func (f faulty) PurgeCredential(ctx context.Context, c auth.Credential) error {
	return f.call("PurgeCredential", func() error { return f.Repository.PurgeCredential(ctx, c) })
}

// Tidy is a call of Untidy where it only counts.
func (f faulty) Tidy(ctx context.Context, kinds []instance.Kind, asOf time.Time, limit int) (n int, err error) {
	method := "Tidy"
	if limit == 0 {
		method = "Untidy"
	}
	err = f.call(method, func() error { n, err = f.Repository.Tidy(ctx, kinds, asOf, limit); return err })
	return n, err
}

func (f faulty) Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error] {
	return stepwise(f, "Idle", f.Repository.Idle(ctx, kind, before))
}

func (f faulty) Delete(ctx context.Context, key instance.Key, change instance.Change, record *instance.Idempotency, check func(instance.Instance) error) error {
	return f.call("Delete", func() error { return f.Repository.Delete(ctx, key, change, record, check) })
}
