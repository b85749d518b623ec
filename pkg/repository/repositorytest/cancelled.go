package repositorytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// testCancelled covers calls whose context is done: each fails, changes
// nothing, and claims nothing about what is stored.
func testCancelled(t *testing.T, open Opener) {
	t.Run("nothing happens", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{Code: "code", Group: "g", Name: "n"})
		gone := f.createNumbered(t, instance.Instance{Code: "gone"})
		f.remove(t, gone.Key())
		c := auth.Credential{Name: "a", Owner: "o", Hash: auth.Hash("1"), CreatedAt: f.clock.Now().Truncate(time.Second)}
		if err := f.CreateCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		trashed := f.onlyDeleted(t, numberKind())
		done, cancel := context.WithCancel(t.Context())
		cancel()

		after := i
		after.Code, after.Group = "other", "other"
		create := f.fresh(numbered(3, instance.Instance{Code: "created"}))
		calls := map[string]func() error{
			"NextNumber":     func() error { _, err := f.NextNumber(done, numberKind()); return err },
			"ReserveNumbers": func() error { return f.ReserveNumbers(done, numberKind(), 100) },
			"Create":         func() error { return f.Create(done, create, f.change("create"), nil) },
			"Get":            func() error { _, err := f.Get(done, i.Key()); return err },
			"Get of nothing": func() error { _, err := f.Get(done, create.Key()); return err },
			"Replace":        func() error { _, err := f.Replace(done, i, after, f.change("replace"), nil); return err },
			"Update": func() error {
				_, err := f.Update(done, i.Key(), f.change("patch"), nil, func(instance.Instance) (instance.Instance, error) {
					return after, nil
				})
				return err
			},
			"Delete":  func() error { return f.Delete(done, i.Key(), f.change("delete"), nil, nil) },
			"Restore": func() error { _, err := f.Restore(done, gone.Key(), f.change("restore")); return err },
			"Search":  func() error { return onlyError(f.Search(done, instance.Query{Kind: numberKind()})) },
			"Search by code": func() error {
				return onlyError(f.Search(done, instance.Query{Kind: numberKind(), Code: "code"}))
			},
			"Search by group": func() error {
				return onlyError(f.Search(done, instance.Query{Kind: numberKind(), Group: "g"}))
			},
			"Search by name": func() error {
				return onlyError(f.Search(done, instance.Query{Kind: numberKind(), Name: "none"}))
			},
			"Search by status": func() error {
				return onlyError(f.Search(done, instance.Query{Kind: numberKind(), Status: "up"}))
			},
			"Touch":       func() error { return f.Touch(done, i.Key(), f.clock.Now()) },
			"Document":    func() error { _, err := f.Document(done, "document"); return err },
			"SetDocument": func() error { return f.SetDocument(done, "document", []byte("data")) },
			"History":     func() error { return onlyError(f.History(done, instance.HistoryQuery{Key: i.Key()})) },
			"CreateCredential": func() error {
				return f.CreateCredential(done, auth.Credential{Name: "b", Owner: "o", Hash: auth.Hash("2"), CreatedAt: c.CreatedAt})
			},
			"Credential":       func() error { _, err := f.Credential(done, c.Hash); return err },
			"Credentials":      func() error { return onlyError(f.Credentials(done)) },
			"RevokeCredential": func() error { _, err := f.RevokeCredential(done, "a", c.CreatedAt); return err },
			"EndedCredentials": func() error { return onlyError(f.EndedCredentials(done, f.clock.Now())) },
			"PurgeCredential":  func() error { return f.PurgeCredential(done, c) },
			"Deleted":          func() error { return onlyError(f.Deleted(done, numberKind(), time.Time{})) },
			"Purge":            func() error { return f.Purge(done, trashed, f.change("purge")) },
			"Idle":             func() error { return onlyError(f.Idle(done, numberKind(), f.clock.Now())) },
			"Tidy":             func() error { _, err := f.Tidy(done, kinds(), f.clock.Now(), 1); return err },
			"Tidy nothing":     func() error { _, err := f.Tidy(done, kinds(), f.clock.Now(), 0); return err },
		}
		for name, call := range calls {
			err := call()
			if err == nil {
				t.Errorf("%s succeeded", name)
			}
			for _, claim := range []error{
				instance.ErrNotFound, instance.ErrExists, instance.ErrCodeTaken, instance.ErrConflict, auth.ErrNoCredential,
			} {
				if errors.Is(err, claim) {
					t.Errorf("%s claims: %v", name, err)
				}
			}
		}

		wantInstance(t, f.get(t, i.Key()), i)
		if n := len(f.history(t, i.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		_, err := f.Get(t.Context(), create.Key())
		wantError(t, err, instance.ErrNotFound)
		_, err = f.Get(t.Context(), gone.Key())
		wantError(t, err, instance.ErrNotFound)
		f.onlyDeleted(t, numberKind())
		_, err = f.Document(t.Context(), "document")
		wantError(t, err, instance.ErrNotFound)
		_, err = f.Credential(t.Context(), auth.Hash("2"))
		wantError(t, err, auth.ErrNoCredential)
		if got, err := f.Credential(t.Context(), c.Hash); err != nil || !got.RevokedAt.IsZero() {
			t.Errorf("credential is %+v, %v", got, err)
		}
		if n, err := f.NextNumber(t.Context(), numberKind()); err != nil || n > 100 {
			t.Errorf("next number is %d, %v", n, err)
		}
	})

	// An answer is whole, or it ends in one error.
	t.Run("within a search", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const stored = 12
		for range stored {
			f.createNumbered(t, instance.Instance{Group: "g"})
		}
		for _, q := range []instance.Query{{}, {Group: "g"}} {
			q.Kind = numberKind()
			ctx, cancel := context.WithCancel(t.Context())
			found, errs := 0, 0
			for _, err := range f.Search(ctx, q) {
				cancel()
				if err != nil {
					errs++
				} else {
					found++
				}
			}
			cancel()
			if errs > 1 || errs == 0 && found != stored {
				t.Errorf("%+v: %d of %d found, %d errors", q, found, stored, errs)
			}
		}
	})
}

// onlyError returns the error of a sequence that yields nothing else.
func onlyError[V any](seq func(yield func(V, error) bool)) error {
	var failure error
	count := 0
	for _, err := range seq {
		count++
		failure = err
	}
	if count > 1 {
		return nil
	}
	return failure
}
