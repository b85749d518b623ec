package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// A pointer is written with the instance that it points to, and only where
// the id does not tell enough.
func TestPointer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	client := f.table.Client(nil)
	pointer := func(i instance.Instance) bool {
		t.Helper()
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &f.table.Name, Key: attributes(map[string]string{"pk": "pointer#timed#collection", "sk": i.ID}),
		})
		must(t, err)
		return len(out.Item) > 0
	}
	for id, want := range map[string]bool{"imported": true, instance.NewTimeID(f.change("").At): false} {
		i := f.freshTimed(id)
		must(t, f.Create(t.Context(), i, f.change("create"), nil))
		if got := pointer(i); got != want {
			t.Errorf("%s has a pointer: %v", id, got)
		}
		must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil))
		if pointer(i) {
			t.Errorf("%s is deleted and has a pointer", id)
		}
		must(t, failure(f.Restore(t.Context(), i.Key(), f.change("restore"))))
		if got := pointer(i); got != want {
			t.Errorf("%s is restored and has a pointer: %v", id, got)
		}
	}
}

// Between the read of a pointer and what follows, the instance may be deleted
// and its id given again, to a place elsewhere. What was pointed to is gone,
// and nothing is done to the other one.
func TestPointerIsOld(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context, *fixture, instance.Key) error{
		"get": func(ctx context.Context, f *fixture, key instance.Key) error {
			_, err := f.Get(ctx, key)
			return err
		},
		"touch": func(ctx context.Context, f *fixture, key instance.Key) error {
			return f.Touch(ctx, key, f.change("").At)
		},
		"delete": func(ctx context.Context, f *fixture, key instance.Key) error {
			return f.Delete(ctx, key, f.change("delete"), nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			i := f.freshTimed("imported")
			must(t, f.other.Create(t.Context(), i, f.change("create"), nil))
			var later instance.Instance
			calls := 0
			f.wire.inject(func(c call) (*http.Response, error) {
				response, err := c.pass()
				if calls++; calls > 1 || err != nil {
					return response, err
				}
				if err := f.other.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil); err != nil {
					t.Error(err)
				}
				later = f.freshTimed("imported")
				if err := f.other.Create(t.Context(), later, f.change("create"), nil); err != nil {
					t.Error(err)
				}
				return response, nil
			})
			if err := run(t.Context(), f, i.Key()); !errors.Is(err, instance.ErrNotFound) {
				t.Errorf("error is %v, want %v", err, instance.ErrNotFound)
			}
			got, err := f.other.Get(t.Context(), i.Key())
			if err != nil || got.Revision() != later.Revision() || !got.LastSeenAt.IsZero() {
				t.Errorf("instance is %+v, %v", got, err)
			}
		})
	}
}

// The check of a delete sees the heartbeat that the trash is to keep.
func TestDeleteSeesHeartbeat(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	var seen []time.Time
	at := f.change("").At
	err := f.Delete(t.Context(), i.Key(), f.change("delete"), nil, func(i instance.Instance) error {
		seen = append(seen, i.LastSeenAt)
		return f.other.Touch(t.Context(), i.Key(), at)
	})
	must(t, err)
	if len(seen) != 2 || !seen[0].IsZero() || !seen[1].Equal(at) {
		t.Errorf("check saw %v", seen)
	}
}

// A code is found as soon as its write returned, through its guard and the
// pointer.
func TestIndexLagWithPointer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	must(t, f.other.Create(t.Context(), f.freshTimed("imported"), f.change("create"), nil))
	l := &lag{answers: map[string][]byte{}, frozen: true}
	f.wire.inject(l.fault)
	q := instance.Query{Kind: timed(), Code: "CODE-imported"}
	if got := ids(t, f.Search(t.Context(), q)); got != "[imported]" {
		t.Errorf("found %s", got)
	}
	q.Collections = []string{"another"}
	if got := ids(t, f.Search(t.Context(), q)); got != "[]" {
		t.Errorf("found %s", got)
	}
}
