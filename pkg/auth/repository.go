package auth

import (
	"context"
	"iter"
	"time"
)

// The interfaces in this file are the part of a repository's contract that is
// about keys. What holds for the interfaces of package instance holds for them.

// CredentialGetter finds the key of a request.
type CredentialGetter interface {
	// Credential returns the key whose secret has the hash, also where it is
	// revoked or expired, or [ErrNoCredential].
	Credential(ctx context.Context, hash string) (Credential, error)
	// NamedCredential returns the newest key with the name, also where it is
	// revoked or expired, or [ErrNoCredential].
	NamedCredential(ctx context.Context, name string) (Credential, error)
}

// CredentialCreator stores new keys.
type CredentialCreator interface {
	// CreateCredential stores a key. It returns [ErrNameOfOther] where a key of
	// another owner ever had the name, [ErrNameTaken] where one of the same owner
	// is usable at c.CreatedAt, and [ErrSecretTaken] where one has the hash.
	CreateCredential(ctx context.Context, c Credential) error
}

// CredentialLister lists keys.
type CredentialLister interface {
	// Credentials returns the newest key of each name, in ascending order of the
	// names.
	Credentials(ctx context.Context) iter.Seq2[Credential, error]
}

// CredentialRevoker ends keys.
type CredentialRevoker interface {
	// RevokeCredential ends the newest key with the name at that time and returns
	// it as stored. A key that was revoked before keeps its time. It returns
	// [ErrNoCredential] where no key has the name.
	RevokeCredential(ctx context.Context, name string, at time.Time) (Credential, error)
}

// CredentialPurger removes keys that have ended.
type CredentialPurger interface {
	// EndedCredentials returns the keys that were revoked or expired before that
	// time, oldest end first, also where a newer key has the name.
	EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[Credential, error]
	// PurgeCredential removes c for good; its name stays with its owner. It
	// returns [ErrNoCredential], and changes nothing, where the stored key is not
	// exactly c.
	PurgeCredential(ctx context.Context, c Credential) error
}
