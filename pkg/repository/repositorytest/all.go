package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// allKinds are the kinds of testAll. The name of one starts with that of
// another.
func allKinds() []instance.Kind {
	return []instance.Kind{timeKind(), numberKind(), idKind(), {Name: idKind().Name + "more"}}
}

// all returns every instance of the kinds after the given one.
func (f *fixture) all(t *testing.T, kinds []instance.Kind, after *instance.Instance) []instance.Instance {
	t.Helper()
	return collect(t, f.All(t.Context(), kinds, after))
}

// fillAll stores instances of all kinds and other things, which a walk must pass
// over.
func (f *fixture) fillAll(t *testing.T) []instance.Instance {
	t.Helper()
	var stored []instance.Instance
	at := f.clock.Now()
	add := func(i instance.Instance) {
		i.Code, i.Group, i.SubGroup, i.Name, i.Status = "code-"+i.Kind.Name+i.Collection+i.ID, "g", "s", "n", "up"
		i.Active, i.LastSeenAt, i.IdleSince = true, at, at
		i.Attributes = []byte(`{"a":1}`)
		stored = append(stored, f.create(t, i))
	}
	for n := range 3 {
		for c := range 2 {
			collection, id := fmt.Sprintf("collection-%d", c), fmt.Sprintf("id-%d", n)
			add(named(collection, id))
			add(timed(collection, id))
			add(timed(collection, instance.NewTimeID(at.Add(time.Duration(n)*time.Second))))
			add(instance.Instance{Kind: allKinds()[3], Collection: collection, ID: id})
		}
		stored = append(stored, f.createNumbered(t, instance.Instance{}))
		add(numbered(int64(n+1)*instance.BlockSize, instance.Instance{}))
	}
	f.remove(t, f.create(t, named("collection-0", "deleted")).Key())
	f.remove(t, f.create(t, timed("collection-0", "deleted")).Key())
	if err := f.SetDocument(t.Context(), "document", []byte("data")); err != nil {
		t.Fatal(err)
	}
	c := auth.Credential{Name: "a", Owner: "o", Hash: auth.Hash("1"), CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	if err := f.CreateCredential(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return stored
}

// wantSame fails the test unless got and want are the same instances, in
// whichever order.
func wantSame(t *testing.T, got, want []instance.Instance) {
	t.Helper()
	sorted := func(list []instance.Instance) []instance.Instance {
		return slices.SortedFunc(slices.Values(list), func(a, b instance.Instance) int {
			return strings.Compare(a.Kind.Name+" "+a.Collection+" "+a.ID, b.Kind.Name+" "+b.Collection+" "+b.ID)
		})
	}
	got, want = sorted(got), sorted(want)
	if len(got) != len(want) {
		t.Fatalf("%d instances, want %d", len(got), len(want))
	}
	for n := range got {
		wantInstance(t, got[n], want[n])
	}
}

// testAll covers the walk over everything that an export takes.
func testAll(t *testing.T, open Opener) {
	t.Run("whole", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		if all := f.all(t, allKinds(), nil); len(all) != 0 {
			t.Fatalf("an empty repository has %v", all)
		}
		stored := f.fillAll(t)
		all := f.all(t, allKinds(), nil)
		wantSame(t, all, stored)

		// The order never changes, and a walk can continue from any place in it,
		// even when the instance there is gone.
		wantOrder := func(kinds []instance.Kind, after *instance.Instance, want []instance.Instance) {
			t.Helper()
			got := f.all(t, kinds, after)
			if len(got) != len(want) {
				t.Fatalf("%d instances after %v, want %d", len(got), after, len(want))
			}
			for n := range got {
				wantInstance(t, got[n], want[n])
			}
		}
		reversed := allKinds()
		slices.Reverse(reversed)
		wantOrder(reversed, nil, all)
		for n := range all {
			wantOrder(allKinds(), &all[n], all[n+1:])
		}
		for n := range all {
			f.remove(t, all[n].Key())
			wantOrder(allKinds(), &all[n], all[n+1:])
		}
	})

	t.Run("of some kinds", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		stored := f.fillAll(t)
		for _, kinds := range [][]instance.Kind{nil, {idKind()}, {numberKind()}, {timeKind(), idKind()}, allKinds()[3:]} {
			want := slices.DeleteFunc(slices.Clone(stored), func(i instance.Instance) bool { return !slices.Contains(kinds, i.Kind) })
			wantSame(t, f.all(t, kinds, nil), want)
		}
	})

	// More than one read returns.
	t.Run("large", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var stored []instance.Instance
		attributes := []byte(`{"text":"` + strings.Repeat("x", 200<<10) + `"}`)
		for n := range 30 {
			i := named(fmt.Sprintf("collection-%d", n%3), fmt.Sprintf("id-%02d", n))
			i.Attributes = attributes
			stored = append(stored, f.create(t, i))
		}
		all := f.all(t, allKinds(), nil)
		wantSame(t, all, stored)
		for _, n := range []int{4, 17, 29} {
			wantSame(t, f.all(t, allKinds(), &all[n]), all[n+1:])
		}
	})

	// Each instance appears at most once, as it was at some moment, and one that
	// was there all the time does appear.
	t.Run("written meanwhile", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		stored := f.fillAll(t)
		was := map[instance.Key][]string{}
		note := func(i instance.Instance) { was[i.Key()] = append(was[i.Key()], i.Revision()+" "+i.Name) }
		for _, i := range stored {
			note(i)
		}
		seen := map[instance.Key]bool{}
		n := 0
		for i, err := range f.All(t.Context(), allKinds(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[i.Key()] {
				t.Fatalf("%v of %s comes twice", i.Key(), i.Collection)
			}
			seen[i.Key()] = true
			if !slices.Contains(was[i.Key()], i.Revision()+" "+i.Name) {
				t.Fatalf("%v never was %+v", i.Key(), i)
			}
			// Change what has been read and what may follow, and create more.
			if n < len(stored) {
				for _, key := range []instance.Key{i.Key(), stored[n].Key()} {
					note(f.replace(t, key, func(i *instance.Instance) { i.Name += "!"; i.Group = strconv.Itoa(n) }))
				}
				note(f.create(t, named(fmt.Sprintf("collection-%d", n%3), fmt.Sprintf("more-%02d", n))))
			}
			n++
		}
		for _, i := range stored {
			if !seen[i.Key()] {
				t.Errorf("%v of %s was there and did not come", i.Key(), i.Collection)
			}
		}
	})

	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		stored := f.fillAll(t)
		done, cancel := context.WithCancel(t.Context())
		cancel()
		err := onlyError(f.All(done, allKinds(), nil))
		if err == nil || errors.Is(err, instance.ErrNotFound) {
			t.Errorf("error is %v", err)
		}
		found, errs := 0, 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, err := range f.All(ctx, allKinds(), nil) {
			cancel()
			if err != nil {
				errs++
			} else {
				found++
			}
		}
		if errs > 1 || errs == 0 && found != len(stored) {
			t.Errorf("%d of %d found, %d errors", found, len(stored), errs)
		}
		// Stopping early is not an error.
		for _, err := range f.All(t.Context(), allKinds(), nil) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
}
