package repositorytest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"instances/pkg/auth"
)

// testEndedCredential covers keys that stopped to work, and their purge.
func testEndedCredential(t *testing.T, open Opener) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	add := func(t *testing.T, f *fixture, name, owner, secret string, created, expires time.Time) auth.Credential {
		t.Helper()
		c := auth.Credential{Name: name, Owner: owner, Hash: auth.Hash(secret), CreatedAt: created, ExpiresAt: expires}
		if err := f.CreateCredential(t.Context(), c); err != nil {
			t.Fatalf("CreateCredential(%s): %v", name, err)
		}
		return c
	}
	revoke := func(t *testing.T, f *fixture, name string, at time.Time) auth.Credential {
		t.Helper()
		c, err := f.RevokeCredential(t.Context(), name, at)
		if err != nil {
			t.Fatalf("RevokeCredential(%s): %v", name, err)
		}
		return c
	}
	purge := func(t *testing.T, f *fixture, c auth.Credential) {
		t.Helper()
		if err := f.PurgeCredential(t.Context(), c); err != nil {
			t.Fatalf("PurgeCredential(%s): %v", c.Name, err)
		}
	}
	ended := func(t *testing.T, f *fixture, before time.Time, want ...auth.Credential) {
		t.Helper()
		got := collect(t, f.EndedCredentials(t.Context(), before))
		if len(got) == 0 && len(want) == 0 {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("ended before %v are\n%+v, want\n%+v", before, got, want)
		}
	}
	// gone fails the test unless no trace of the key can be read.
	gone := func(t *testing.T, f *fixture, c auth.Credential) {
		t.Helper()
		_, err := f.Credential(t.Context(), c.Hash)
		wantError(t, err, auth.ErrNoCredential)
		for _, listed := range slices.Concat(collect(t, f.Credentials(t.Context())), collect(t, f.EndedCredentials(t.Context(), at.AddDate(100, 0, 0)))) {
			if listed.Hash == c.Hash || listed.Hash == "" {
				t.Fatalf("%+v is listed", listed)
			}
		}
	}
	never := time.Time{}

	t.Run("oldest end first", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		add(t, f, "forever", "o", "1", at, never)
		late := add(t, f, "late", "o", "2", at, at.Add(3*time.Hour))
		early := add(t, f, "early", "o", "3", at, at.Add(time.Hour))
		add(t, f, "revoked", "o", "4", at, never)
		revoked := revoke(t, f, "revoked", at.Add(2*time.Hour))
		ended(t, f, at.Add(time.Hour))
		ended(t, f, at.Add(time.Hour+time.Second), early)
		ended(t, f, at.Add(2*time.Hour), early)
		ended(t, f, at.Add(3*time.Hour), early, revoked)
		ended(t, f, at.Add(3*time.Hour+time.Second), early, revoked, late)
		ended(t, f, at.AddDate(1000, 0, 0), early, revoked, late)
		for c, err := range f.EndedCredentials(t.Context(), at.Add(4*time.Hour)) {
			if err != nil || c.Hash != early.Hash {
				t.Errorf("first is %+v, %v", c, err)
			}
			break
		}
	})

	t.Run("revoked and expired", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		add(t, f, "before", "o", "1", at, at.Add(3*time.Hour))
		before := revoke(t, f, "before", at.Add(time.Hour+999*time.Millisecond))
		ended(t, f, at.Add(time.Hour))
		ended(t, f, at.Add(2*time.Hour), before)
		// Revoked after it had expired, it ended when it expired.
		add(t, f, "after", "o", "2", at, at.Add(2*time.Hour))
		after := revoke(t, f, "after", at.Add(5*time.Hour))
		ended(t, f, at.Add(2*time.Hour+time.Second), before, after)
		// Revoked again, it keeps its time.
		revoke(t, f, "before", at.Add(6*time.Hour))
		ended(t, f, at.Add(10*time.Hour), before, after)
	})

	t.Run("whose name was given again", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var all []auth.Credential
		for n := range 3 {
			created := at.Add(time.Duration(2*n) * time.Hour)
			add(t, f, "a", "o", strconv.Itoa(n), created, never)
			all = append(all, revoke(t, f, "a", created.Add(time.Hour)))
		}
		latest := add(t, f, "a", "o", "latest", at.Add(10*time.Hour), never)
		ended(t, f, at.Add(20*time.Hour), all...)
		purge(t, f, all[1])
		gone(t, f, all[1])
		ended(t, f, at.Add(20*time.Hour), all[0], all[2])
		purge(t, f, all[0])
		purge(t, f, all[2])
		if c, err := f.Credential(t.Context(), latest.Hash); err != nil || !reflect.DeepEqual(c, latest) {
			t.Errorf("latest is %+v, %v", c, err)
		}
		if listed := collect(t, f.Credentials(t.Context())); len(listed) != 1 || listed[0].Hash != latest.Hash {
			t.Errorf("%+v are listed", listed)
		}
		revoke(t, f, "a", at.Add(11*time.Hour))
	})

	t.Run("the name stays with its owner", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		other := add(t, f, "other", "p", "other", at, never)
		for n := range 3 {
			// The first two by expiry, so that its name is latest all along.
			created := at.Add(time.Duration(2*n) * time.Hour)
			c := add(t, f, "a", "o", strconv.Itoa(n), created, created.Add(time.Hour))
			if listed := collect(t, f.Credentials(t.Context())); len(listed) != 2 || !reflect.DeepEqual(listed[0], c) {
				t.Fatalf("%+v are listed", listed)
			}
			purge(t, f, c)
			gone(t, f, c)
			wantError(t, f.PurgeCredential(t.Context(), c), auth.ErrNoCredential)
			_, err := f.RevokeCredential(t.Context(), "a", created)
			wantError(t, err, auth.ErrNoCredential)
			wantError(t, f.CreateCredential(t.Context(), auth.Credential{
				Name: "a", Owner: "p", Hash: auth.Hash("thief"), CreatedAt: created,
			}), auth.ErrNameOfOther)
			if listed := collect(t, f.Credentials(t.Context())); len(listed) != 1 || !reflect.DeepEqual(listed[0], other) {
				t.Fatalf("%+v are listed", listed)
			}
		}
		// Nobody could use it, so the name is free at once.
		c := add(t, f, "a", "o", "last", at, never)
		wantError(t, f.CreateCredential(t.Context(), auth.Credential{
			Name: "a", Owner: "o", Hash: auth.Hash("second"), CreatedAt: at,
		}), auth.ErrNameTaken)
		if got, err := f.Credential(t.Context(), c.Hash); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("key is %+v, %v", got, err)
		}
	})

	t.Run("what is stale stays", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		c := add(t, f, "a", "o", "1", at, at.Add(time.Hour))
		revoked := revoke(t, f, "a", at.Add(30*time.Minute))
		for name, alter := range map[string]func(*auth.Credential){
			"revocation":       func(c *auth.Credential) { c.RevokedAt = time.Time{} },
			"other revocation": func(c *auth.Credential) { c.RevokedAt = c.RevokedAt.Add(time.Second) },
			"expiry":           func(c *auth.Credential) { c.ExpiresAt = time.Time{} },
			"other expiry":     func(c *auth.Credential) { c.ExpiresAt = c.ExpiresAt.Add(time.Second) },
			"hash":             func(c *auth.Credential) { c.Hash = auth.Hash("2") },
		} {
			other := revoked
			alter(&other)
			if err := f.PurgeCredential(t.Context(), other); !errors.Is(err, auth.ErrNoCredential) {
				t.Errorf("another %s: %v", name, err)
			}
		}
		wantError(t, f.PurgeCredential(t.Context(), c), auth.ErrNoCredential)
		if got, err := f.Credential(t.Context(), c.Hash); err != nil || !reflect.DeepEqual(got, revoked) {
			t.Errorf("key is %+v, %v", got, err)
		}
		ended(t, f, at.Add(time.Hour), revoked)
		purge(t, f, revoked)
		gone(t, f, revoked)
	})

	t.Run("purges within", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const keys = 40
		for n := range keys {
			add(t, f, fmt.Sprint("key-", n), "o", strconv.Itoa(n), at, at.Add(time.Duration(n)*time.Minute))
		}
		n := 0
		for c, err := range f.EndedCredentials(t.Context(), at.Add(keys/2*time.Minute)) {
			if err != nil || c.Name != fmt.Sprint("key-", n) {
				t.Fatalf("number %d is %q, %v", n, c.Name, err)
			}
			purge(t, f, c)
			n++
		}
		if left := len(collect(t, f.Credentials(t.Context()))); n != keys/2 || left != keys/2 {
			t.Errorf("%d were purged, %d are left, want %d each", n, left, keys/2)
		}
	})

	t.Run("parallel purges", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		c := add(t, f, "a", "o", "1", at, at.Add(time.Hour))
		wantOneWinner(t, parallel(8, func(int) error { return f.PurgeCredential(t.Context(), c) }), auth.ErrNoCredential)
		gone(t, f, c)
	})

	t.Run("against a revocation", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n := range 8 {
			name := fmt.Sprint("key-", n)
			c := add(t, f, name, "o", strconv.Itoa(n), at, at.Add(time.Hour))
			winner := wantOneWinner(t, parallel(2, func(k int) error {
				if k == 0 {
					return f.PurgeCredential(t.Context(), c)
				}
				_, err := f.RevokeCredential(t.Context(), name, at.Add(time.Minute))
				return err
			}), auth.ErrNoCredential)
			if winner == 0 {
				gone(t, f, c)
				continue
			}
			c.RevokedAt = at.Add(time.Minute)
			ended(t, f, at.Add(2*time.Hour), c)
			purge(t, f, c)
		}
	})

	// The new key is there, whichever comes first.
	t.Run("against a new one of the name", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		old := add(t, f, "a", "o", "0", at, at.Add(time.Minute))
		for n := range 8 {
			created := at.Add(time.Duration(n+1) * time.Hour)
			next := auth.Credential{
				Name: "a", Owner: "o", Hash: auth.Hash(strconv.Itoa(n + 1)), CreatedAt: created, ExpiresAt: created.Add(time.Minute),
			}
			if err := errors.Join(parallel(2, func(k int) error {
				if k == 0 {
					return f.PurgeCredential(t.Context(), old)
				}
				return f.CreateCredential(t.Context(), next)
			})...); err != nil {
				t.Fatal(err)
			}
			gone(t, f, old)
			if listed := collect(t, f.Credentials(t.Context())); len(listed) != 1 || !reflect.DeepEqual(listed[0], next) {
				t.Fatalf("%+v are listed", listed)
			}
			ended(t, f, created.Add(time.Hour), next)
			old = next
		}
	})
}
