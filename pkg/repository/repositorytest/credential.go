package repositorytest

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
)

// testCredential covers keys.
func testCredential(t *testing.T, open Opener) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	key := func(name, owner, secret string, created time.Time) auth.Credential {
		return auth.Credential{
			Name: name, Owner: owner, Hash: auth.Hash(secret), Allow: []string{"a:read", "a:write"}, CreatedAt: created,
		}
	}
	add := func(t *testing.T, f *fixture, c auth.Credential) {
		t.Helper()
		if err := f.CreateCredential(t.Context(), c); err != nil {
			t.Fatalf("CreateCredential(%s): %v", c.Name, err)
		}
	}
	want := func(t *testing.T, f *fixture, c auth.Credential) {
		t.Helper()
		got, err := f.Credential(t.Context(), c.Hash)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("credential is\n%+v (%v), want\n%+v", got, err, c)
		}
	}

	t.Run("comes back", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n, c := range []auth.Credential{
			key("plain", "owner", "1", at),
			{Name: "all", Owner: "Ow#n/er", Hash: auth.Hash("2"), Allow: []string{auth.AllowAll}, CreatedAt: at, ExpiresAt: at.Add(time.Hour)},
			{Name: "spoken", Owner: "o", Hash: auth.Hash("4"), Profiles: map[string]string{"one": "a", "two": "b"}, CreatedAt: at},
			{Name: "A.b_c-9", Owner: "o", Hash: auth.Hash("3"), CreatedAt: at},
		} {
			add(t, f, c)
			want(t, f, c)
			if all := collect(t, f.Credentials(t.Context())); len(all) != n+1 {
				t.Errorf("%d are listed, want %d", len(all), n+1)
			}
		}
	})

	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		add(t, f, key("a", "o", "1", at))
		_, err := f.Credential(t.Context(), auth.Hash("2"))
		wantError(t, err, auth.ErrNoCredential)
		_, err = f.Credential(t.Context(), "")
		wantError(t, err, auth.ErrNoCredential)
		_, err = f.RevokeCredential(t.Context(), "b", at)
		wantError(t, err, auth.ErrNoCredential)
	})

	t.Run("by name", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		named := func(name string, c auth.Credential) {
			t.Helper()
			got, err := f.NamedCredential(t.Context(), name)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("the key named %s is\n%+v (%v), want\n%+v", name, got, err, c)
			}
		}
		first := key("a", "o", "1", at)
		first.Hash = "$scrypt$ln=14,r=8,p=1$c2FsdA$a2V5+/"
		add(t, f, first)
		add(t, f, key("b", "o", "2", at))
		named("a", first)
		named("b", key("b", "o", "2", at))
		want(t, f, first)
		revoked, err := f.RevokeCredential(t.Context(), "a", at.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		named("a", revoked)
		second := key("a", "o", "3", at.Add(time.Hour))
		add(t, f, second)
		named("a", second)
		for _, name := range []string{"A", "none", "", "a\x00b", "a\xff", strings.Repeat("a", 5000)} {
			_, err := f.NamedCredential(t.Context(), name)
			wantError(t, err, auth.ErrNoCredential)
		}
		if err := f.PurgeCredential(t.Context(), revoked); err != nil {
			t.Fatal(err)
		}
		named("a", second)
		revoked, err = f.RevokeCredential(t.Context(), "b", at.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.PurgeCredential(t.Context(), revoked); err != nil {
			t.Fatal(err)
		}
		_, err = f.NamedCredential(t.Context(), "b")
		wantError(t, err, auth.ErrNoCredential)
	})

	t.Run("secret taken", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		add(t, f, key("a", "o", "1", at))
		wantError(t, f.CreateCredential(t.Context(), key("b", "o", "1", at)), auth.ErrSecretTaken)
		if _, err := f.RevokeCredential(t.Context(), "a", at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		wantError(t, f.CreateCredential(t.Context(), key("a", "o", "1", at.Add(time.Hour))), auth.ErrSecretTaken)
		_, err := f.NamedCredential(t.Context(), "b")
		wantError(t, err, auth.ErrNoCredential)
	})

	t.Run("name taken while usable", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := key("a", "o", "1", at)
		first.ExpiresAt = at.Add(time.Hour)
		add(t, f, first)
		wantError(t, f.CreateCredential(t.Context(), key("a", "o", "2", at.Add(59*time.Minute))), auth.ErrNameTaken)
		_, err := f.Credential(t.Context(), auth.Hash("2"))
		wantError(t, err, auth.ErrNoCredential)
		want(t, f, first)
		// Names are case-sensitive.
		add(t, f, key("A", "other", "3", at))

		// Expired: the same owner may have the name again.
		second := key("a", "o", "4", at.Add(time.Hour))
		add(t, f, second)
		want(t, f, second)
		want(t, f, first)
		wantError(t, f.CreateCredential(t.Context(), key("a", "o", "5", at.Add(2*time.Hour))), auth.ErrNameTaken)
	})

	t.Run("name of another owner", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		add(t, f, key("a", "o", "1", at))
		wantError(t, f.CreateCredential(t.Context(), key("a", "p", "2", at)), auth.ErrNameOfOther)
		if _, err := f.RevokeCredential(t.Context(), "a", at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		wantError(t, f.CreateCredential(t.Context(), key("a", "p", "2", at.Add(time.Hour))), auth.ErrNameOfOther)
		add(t, f, key("a", "o", "3", at.Add(time.Hour)))
		wantError(t, f.CreateCredential(t.Context(), key("a", "p", "2", at.Add(2*time.Hour))), auth.ErrNameOfOther)
		_, err := f.Credential(t.Context(), auth.Hash("2"))
		wantError(t, err, auth.ErrNoCredential)
	})

	t.Run("revoke", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		c := key("a", "o", "1", at)
		c.Profiles = map[string]string{"one": "a"}
		add(t, f, c)
		add(t, f, key("b", "o", "2", at))
		revoked, err := f.RevokeCredential(t.Context(), "a", at.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		c.RevokedAt = at.Add(time.Minute)
		if !reflect.DeepEqual(revoked, c) {
			t.Fatalf("revoked is\n%+v, want\n%+v", revoked, c)
		}
		want(t, f, c)
		want(t, f, key("b", "o", "2", at))
		// The first time stays.
		revoked, err = f.RevokeCredential(t.Context(), "a", at.Add(time.Hour))
		if err != nil || !revoked.RevokedAt.Equal(c.RevokedAt) {
			t.Fatalf("revoked again at %v, %v", revoked.RevokedAt, err)
		}
		// The next key of the name is a different key.
		next := key("a", "o", "3", at.Add(2*time.Hour))
		add(t, f, next)
		want(t, f, next)
		want(t, f, c)
		if _, err := f.RevokeCredential(t.Context(), "a", at.Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		want(t, f, c)
		next.RevokedAt = at.Add(3 * time.Hour)
		want(t, f, next)
	})

	t.Run("list", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n, name := range []string{"b", "a", "B", "c.d", "c-d", "aa"} {
			add(t, f, key(name, "o", strconv.Itoa(n), at))
		}
		if _, err := f.RevokeCredential(t.Context(), "a", at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		latest := key("a", "o", "latest", at.Add(time.Hour))
		add(t, f, latest)
		var names []string
		for _, c := range collect(t, f.Credentials(t.Context())) {
			names = append(names, c.Name)
			if c.Name == "a" && !reflect.DeepEqual(c, latest) {
				t.Errorf("a is\n%+v, want\n%+v", c, latest)
			}
		}
		if fmt.Sprint(names) != "[B a aa b c-d c.d]" {
			t.Errorf("names are %v", names)
		}
		for c, err := range f.Credentials(t.Context()) {
			if err != nil || c.Name != "B" {
				t.Errorf("first is %q, %v", c.Name, err)
			}
			break
		}
	})

	t.Run("parallel creates of one name", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		errs := parallel(16, func(k int) error {
			owner := fmt.Sprint("owner", k%2)
			err := f.CreateCredential(t.Context(), key("a", owner, strconv.Itoa(k), at))
			if errors.Is(err, auth.ErrNameOfOther) {
				return auth.ErrNameTaken
			}
			return err
		})
		winner := wantOneWinner(t, errs, auth.ErrNameTaken)
		all := collect(t, f.Credentials(t.Context()))
		if len(all) != 1 || all[0].Hash != auth.Hash(strconv.Itoa(winner)) {
			t.Errorf("%+v are listed; create %d won", all, winner)
		}
	})
}
