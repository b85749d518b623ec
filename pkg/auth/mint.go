package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrInvalidKey says that the name, owner, permissions or expiry of a key is not
// valid. The text of the error tells the operator which.
var ErrInvalidKey = errors.New("invalid key")

// NewKey describes a key that is to be made.
type NewKey struct {
	// Name and Owner are as in [Credential]. An empty owner stands for the
	// name.
	Name, Owner string
	// Allow are the permissions of the key; at least one.
	Allow []string
	// Profiles are as in [Credential].
	Profiles map[string]string
	// ExpiresAt is when the key stops working, or zero for never.
	ExpiresAt time.Time
}

// Mint makes a key with a new secret, stores it, and returns the secret, which
// cannot be retrieved later. Its errors are [ErrInvalidKey] and those of the store.
func Mint(ctx context.Context, store CredentialCreator, k NewKey, now time.Time) (secret string, err error) {
	secret = NewSecret()
	if err := Register(ctx, store, k, secret, now); err != nil {
		return "", err
	}
	return secret, nil
}

// Register stores a key with a secret that [NewSecret] made before. Its errors
// are [ErrInvalidKey] and those of the store.
func Register(ctx context.Context, store CredentialCreator, k NewKey, secret string, now time.Time) error {
	if k.Owner == "" {
		k.Owner = k.Name
	}
	if err := k.validate(now); err != nil {
		return err
	}
	if !ValidSecret(secret) {
		return fmt.Errorf("%w: the secret is not one that was made for a key", ErrInvalidKey)
	}
	c := Credential{
		Name: k.Name, Owner: k.Owner, Hash: Hash(secret), Allow: slices.Clone(k.Allow), Profiles: maps.Clone(k.Profiles),
		CreatedAt: now.UTC().Truncate(time.Second),
	}
	if !k.ExpiresAt.IsZero() {
		c.ExpiresAt = k.ExpiresAt.UTC().Truncate(time.Second)
	}
	return store.CreateCredential(ctx, c)
}

// ValidSecret reports whether secret has the form of those that [NewSecret]
// returns.
func ValidSecret(secret string) bool {
	random, ok := strings.CutPrefix(secret, SecretPrefix)
	return ok && len(random) == 52 && strings.Trim(random, secretAlphabet) == ""
}

// validate checks k, whose owner is filled in.
func (k NewKey) validate(now time.Time) error {
	const form = "1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"
	switch {
	case !ValidName(k.Name):
		return fmt.Errorf("%w: the name %q is not %s", ErrInvalidKey, k.Name, form)
	case !ValidName(k.Owner):
		return fmt.Errorf("%w: the owner %q is not %s", ErrInvalidKey, k.Owner, form)
	case len(k.Allow) == 0 || slices.Contains(k.Allow, ""):
		return fmt.Errorf("%w: it has no or an empty permission", ErrInvalidKey)
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt.Truncate(time.Second)):
		return fmt.Errorf("%w: it would be expired already", ErrInvalidKey)
	}
	return nil
}
