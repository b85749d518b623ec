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
	purge := func(ctx context.Context, f *fixture) error {
		for d, err := range f.other.Deleted(ctx, numbered(), time.Time{}) {
			if err != nil || d.ID == f.deleted.ID {
				return errors.Join(err, f.other.Purge(ctx, d, f.change("purge")))
			}
		}
		return instance.ErrNotFound
	}
	for _, test := range []struct {
		name    string
		between func(ctx context.Context, f *fixture) error
		run     func(ctx context.Context, f *fixture) error
		want    error
	}{
		{"restored and purged", purge, func(ctx context.Context, f *fixture) error {
			return failure(f.Restore(ctx, f.deleted.Key(), f.change("restore")))
		}, instance.ErrNotFound},
		{"restored twice", func(ctx context.Context, f *fixture) error {
			return failure(f.other.Restore(ctx, f.deleted.Key(), f.change("restore")))
		}, func(ctx context.Context, f *fixture) error {
			return failure(f.Restore(ctx, f.deleted.Key(), f.change("restore")))
		}, instance.ErrExists},
		{"restored and deleted again", func(ctx context.Context, f *fixture) error {
			_, err := f.other.Restore(ctx, f.deleted.Key(), f.change("restore"))
			return errors.Join(err, f.other.Delete(ctx, f.deleted.Key(), f.change("delete"), nil, nil))
		}, func(ctx context.Context, f *fixture) error {
			restored, err := f.Restore(ctx, f.deleted.Key(), f.change("restore"))
			if restored.Version != f.deleted.Version+2 {
				t.Errorf("restored version %d", restored.Version)
			}
			return err
		}, nil},
		{"revoked twice", func(ctx context.Context, f *fixture) error {
			return failure(f.other.RevokeCredential(ctx, "old", now))
		}, func(ctx context.Context, f *fixture) error {
			c, err := f.RevokeCredential(ctx, "old", now.Add(time.Minute))
			if !c.RevokedAt.Equal(now) {
				t.Errorf("revoked at %v, the first time was %v", c.RevokedAt, now)
			}
			return err
		}, nil},
		{"purged and replaced", func(ctx context.Context, f *fixture) error {
			return f.other.CreateCredential(ctx, auth.Credential{Name: "ended", Owner: "o", Hash: auth.Hash("next"), CreatedAt: now})
		}, func(ctx context.Context, f *fixture) error {
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
			f.prepare(t)
			lost := false
			f.wire.inject(func(c call) (*http.Response, error) {
				if c.Operation == "TransactWriteItems" && isWork(c) && !lost {
					lost = true
					if err := test.between(t.Context(), f); err != nil {
						t.Errorf("in between: %v", err)
					}
				}
				return c.pass()
			})
			if err := test.run(t.Context(), f); !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if !lost {
				t.Error("nothing came in between")
			}
		})
	}
}
