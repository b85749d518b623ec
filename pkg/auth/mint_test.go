package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
)

// keyStore keeps what it is given, or fails.
type keyStore struct {
	created []auth.Credential
	err     error
}

func (s *keyStore) CreateCredential(_ context.Context, c auth.Credential) error {
	if s.err != nil {
		return s.err
	}
	s.created = append(s.created, c)
	return nil
}

// The store gets everything but the secret, with times in whole seconds.
func TestMint(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))
	var store keyStore
	secret, err := auth.Mint(t.Context(), &store, auth.NewKey{
		Name: "ci", Allow: []string{"topology:read"}, ExpiresAt: now.Add(time.Hour),
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	if !auth.ValidSecret(secret) {
		t.Errorf("secret has not the form of one")
	}
	if len(store.created) != 1 {
		t.Fatalf("stored %d keys", len(store.created))
	}
	c := store.created[0]
	if c.Name != "ci" || c.Owner != "ci" || !slices.Equal(c.Allow, []string{"topology:read"}) {
		t.Errorf("stored %+v", c)
	}
	if c.Hash != auth.Hash(secret) || strings.Contains(c.Hash, secret) {
		t.Errorf("stored hash %q", c.Hash)
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC); c.CreatedAt != want || c.ExpiresAt != want.Add(time.Hour) {
		t.Errorf("created %v, expires %v", c.CreatedAt, c.ExpiresAt)
	}
	if !c.RevokedAt.IsZero() {
		t.Errorf("revoked at %v", c.RevokedAt)
	}
}

func TestMintTwiceGivesOtherSecret(t *testing.T) {
	t.Parallel()
	var store keyStore
	k := auth.NewKey{Name: "ci", Owner: "team", Allow: []string{auth.AllowAll}}
	a, errA := auth.Mint(t.Context(), &store, k, time.Now())
	b, errB := auth.Mint(t.Context(), &store, k, time.Now())
	if errA != nil || errB != nil || a == b {
		t.Errorf("errors %v, %v; same secret: %v", errA, errB, a == b)
	}
	if store.created[0].Owner != "team" {
		t.Errorf("owner %q", store.created[0].Owner)
	}
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	good := auth.NewKey{Name: "ci", Owner: "team", Allow: []string{"a:read"}}
	cases := map[string]func(*auth.NewKey){
		"no name":          func(k *auth.NewKey) { k.Name = "" },
		"space in name":    func(k *auth.NewKey) { k.Name = "a b" },
		"long name":        func(k *auth.NewKey) { k.Name = strings.Repeat("a", 65) },
		"colon in owner":   func(k *auth.NewKey) { k.Owner = "a:b" },
		"no permission":    func(k *auth.NewKey) { k.Allow = nil },
		"empty permission": func(k *auth.NewKey) { k.Allow = []string{"a:read", ""} },
		"expired":          func(k *auth.NewKey) { k.ExpiresAt = now },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := good
			spoil(&k)
			var store keyStore
			secret, err := auth.Mint(t.Context(), &store, k, now)
			if !errors.Is(err, auth.ErrInvalidKey) || secret != "" {
				t.Errorf("secret returned: %v, error %v", secret != "", err)
			}
			if len(store.created) != 0 {
				t.Errorf("stored %+v", store.created)
			}
		})
	}
}

// A secret that was not stored is not returned.
func TestMintStoreFails(t *testing.T) {
	t.Parallel()
	store := keyStore{err: auth.ErrNameTaken}
	secret, err := auth.Mint(t.Context(), &store, auth.NewKey{Name: "ci", Allow: []string{"*"}}, time.Now())
	if !errors.Is(err, auth.ErrNameTaken) || secret != "" {
		t.Errorf("secret returned: %v, error %v", secret != "", err)
	}
}

// Only what NewSecret makes can be registered: nothing that can be guessed.
func TestRegisterWeakSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "secret", auth.SecretPrefix, auth.NewSecret() + "a", auth.NewSecret() + "\n"} {
		var store keyStore
		err := auth.Register(t.Context(), &store, auth.NewKey{Name: "ci", Allow: []string{"*"}}, secret, time.Now())
		if !errors.Is(err, auth.ErrInvalidKey) || len(store.created) != 0 {
			t.Errorf("%q: error %v", secret, err)
		}
	}
}
