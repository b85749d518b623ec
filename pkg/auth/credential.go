package auth

import (
	"errors"
	"time"
)

// Credential is a key as it is stored.
type Credential struct {
	// Name is unique; see [ValidName].
	Name string
	// Owner is who the key belongs to. Several keys may share an owner.
	Owner string
	// Hash is the hexadecimal SHA-256 of the secret (see [Hash]) or, for a
	// password, its scrypt hash, which starts with a dollar sign. No two keys
	// have the same.
	Hash string
	// Allow are the permissions, such as "topology:read", or [AllowAll].
	Allow []string
	// Profiles says, by the name of a dialect, which of its profiles the key
	// speaks, where there are several. Nil where there is nothing to say.
	Profiles map[string]string
	// CreatedAt, ExpiresAt and RevokedAt are kept to the second, in UTC.
	// ExpiresAt and RevokedAt are zero where they do not apply.
	CreatedAt, ExpiresAt, RevokedAt time.Time
}

// AllowAll is the permission to do everything.
const AllowAll = "*"

// Usable reports whether the key is neither revoked nor expired at now.
func (c Credential) Usable(now time.Time) bool {
	return c.RevokedAt.IsZero() && (c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt))
}

// EndedAt returns when the key stopped or will stop working, or zero if it works
// forever.
func (c Credential) EndedAt() time.Time {
	if c.RevokedAt.IsZero() || !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(c.RevokedAt) {
		return c.ExpiresAt
	}
	return c.RevokedAt
}

// Errors of a repository of credentials.
var (
	// ErrNoCredential reports that there is no such key.
	ErrNoCredential = errors.New("no such key")
	// ErrSecretTaken reports that another key has the secret, or had it and is
	// still stored.
	ErrSecretTaken = errors.New("another key has this secret")
	// ErrNameTaken reports that a usable key has the name.
	ErrNameTaken = errors.New("a key with this name exists")
	// ErrNameOfOther reports that a key of another owner had the name. A name is
	// never given to another owner, since records refer to it.
	ErrNameOfOther = errors.New("the name belongs to another owner")
)
