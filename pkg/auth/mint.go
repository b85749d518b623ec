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
	return k.create(ctx, store, Hash(secret), now)
}

// MaxPasswords is how many keys can have a password: a new one is compared with
// each.
const MaxPasswords = 100

// Adopter is the part of a repository that [Adopt] takes.
type Adopter interface {
	CredentialCreator
	CredentialLister
}

// Adopt stores a key with a secret that its client has already: 12 to 255 printable
// characters of ASCII. One of fewer than 24 is a password, for Basic alone. The
// error is [ErrInvalidKey] for a secret that is easy to guess, [ErrSecretTaken] for
// one that another key has, or one of the store. No error holds the secret. Of two
// keys that are made at the same time with the same password, neither may notice.
func Adopt(ctx context.Context, store Adopter, k NewKey, secret string, now time.Time) error {
	if k.Owner == "" {
		k.Owner = k.Name
	}
	if err := k.validate(now); err != nil {
		return err
	}
	if err := k.CheckSecret(secret); err != nil {
		return err
	}
	if !isPassword(secret) {
		return k.create(ctx, store, Hash(secret), now)
	}
	if err := unusedPassword(ctx, store, secret); err != nil {
		return err
	}
	return k.create(ctx, store, hashPassword(secret), now)
}

// CheckSecret returns [ErrInvalidKey] for a secret that [Adopt] refuses for the key,
// whoever else has it.
func (k NewKey) CheckSecret(secret string) error {
	if fault := weakness(secret, k.Name, k.Owner); fault != "" {
		return fmt.Errorf("%w: the secret %s", ErrInvalidKey, fault)
	}
	return nil
}

// unusedPassword returns [ErrSecretTaken] where the newest key of a name has the
// password.
func unusedPassword(ctx context.Context, keys CredentialLister, password string) error {
	n := 0
	for c, err := range keys.Credentials(ctx) {
		if err != nil {
			return fmt.Errorf("read the keys: %w", err)
		}
		if _, ok := parsePasswordHash(c.Hash); !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if matches(password, c.Hash) {
			return ErrSecretTaken
		}
		if n++; n == MaxPasswords {
			return fmt.Errorf("%w: there are %d keys with passwords already: give it a secret of at least %d characters",
				ErrInvalidKey, n, minToken)
		}
	}
	return nil
}

// create stores the key, which is valid, with the hash of its secret.
func (k NewKey) create(ctx context.Context, store CredentialCreator, hash string, now time.Time) error {
	c := Credential{
		Name: k.Name, Owner: k.Owner, Hash: hash, Allow: slices.Clone(k.Allow), Profiles: maps.Clone(k.Profiles),
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
