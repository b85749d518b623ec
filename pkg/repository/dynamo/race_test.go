package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// Another write may come between the read and the write of an operation, which
// then starts again from what is there.
func TestLostRaces(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	purge := func(ctx context.Context, f *fixture, deleted instance.Instance) error {
		for d, err := range f.other.Deleted(ctx, numbered(), time.Time{}) {
			if err != nil || d.ID == deleted.ID {
				return errors.Join(err, f.other.Purge(ctx, d, f.change("purge")))
			}
		}
		return instance.ErrNotFound
	}
	for _, test := range []struct {
		name    string
		between func(ctx context.Context, f *fixture, deleted instance.Instance) error
		run     func(ctx context.Context, f *fixture, deleted instance.Instance) error
		want    error
	}{
		{"restored and purged", purge, func(ctx context.Context, f *fixture, deleted instance.Instance) error {
			_, err := f.Restore(ctx, deleted.Key(), f.change("restore"))
			return err
		}, instance.ErrNotFound},
		{"restored twice", func(ctx context.Context, f *fixture, deleted instance.Instance) error {
			_, err := f.other.Restore(ctx, deleted.Key(), f.change("restore"))
			return err
		}, func(ctx context.Context, f *fixture, deleted instance.Instance) error {
			_, err := f.Restore(ctx, deleted.Key(), f.change("restore"))
			return err
		}, instance.ErrExists},
		{"restored and deleted again", func(ctx context.Context, f *fixture, deleted instance.Instance) error {
			_, err := f.other.Restore(ctx, deleted.Key(), f.change("restore"))
			return errors.Join(err, f.other.Delete(ctx, deleted.Key(), f.change("delete"), nil))
		}, func(ctx context.Context, f *fixture, deleted instance.Instance) error {
			restored, err := f.Restore(ctx, deleted.Key(), f.change("restore"))
			if restored.Version != deleted.Version+2 {
				t.Errorf("restored version %d", restored.Version)
			}
			return err
		}, nil},
		{"revoked twice", func(ctx context.Context, f *fixture, _ instance.Instance) error {
			_, err := f.other.RevokeCredential(ctx, "old", now)
			return err
		}, func(ctx context.Context, f *fixture, _ instance.Instance) error {
			c, err := f.RevokeCredential(ctx, "old", now.Add(time.Minute))
			if !c.RevokedAt.Equal(now) {
				t.Errorf("revoked at %v, the first time was %v", c.RevokedAt, now)
			}
			return err
		}, nil},
		{"purged and replaced", func(ctx context.Context, f *fixture, _ instance.Instance) error {
			return f.other.CreateCredential(ctx, auth.Credential{Name: "ended", Owner: "o", Hash: auth.Hash("next"), CreatedAt: now})
		}, func(ctx context.Context, f *fixture, _ instance.Instance) error {
			err := f.PurgeCredential(ctx, f.ended)
			if next, err := f.other.Credential(ctx, auth.Hash("next")); err != nil || next.Name != "ended" {
				t.Errorf("the next key is %+v, %v", next, err)
			}
			return err
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, deleted := f.prepare(t)
			lost := false
			f.wire.inject(func(c call) (*http.Response, error) {
				if c.Operation == "TransactWriteItems" && isWork(c) && !lost {
					lost = true
					if err := test.between(t.Context(), f, deleted); err != nil {
						t.Errorf("in between: %v", err)
					}
				}
				return c.pass()
			})
			if err := test.run(t.Context(), f, deleted); !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if !lost {
				t.Error("nothing came in between")
			}
		})
	}
}
