package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
)

// credentialRecord is an [auth.Credential] as it is stored; its key is the
// hash. Times are in seconds, 0 where there is none.
type credentialRecord struct {
	Name     string            `json:"name"`
	Owner    string            `json:"owner"`
	Allow    []string          `json:"allow"`
	Profiles map[string]string `json:"profiles,omitempty"`
	Created  int64             `json:"created"`
	Expires  int64             `json:"expires,omitempty"`
	Revoked  int64             `json:"revoked,omitempty"`
}

// CreateCredential implements [auth.CredentialCreator].
func (r *Repository) CreateCredential(ctx context.Context, c auth.Credential) error {
	return r.write(ctx, "create key "+c.Name, func(tx *bbolt.Tx) error {
		owner := bucket(tx, ownersBucket).Get(parts(c.Name))
		if owner != nil && string(owner) != c.Owner {
			return auth.ErrNameOfOther
		}
		latest, err := latestOf(tx, c.Name)
		switch {
		case errors.Is(err, auth.ErrNoCredential):
		case err != nil:
			return err
		case latest.Usable(c.CreatedAt):
			return auth.ErrNameTaken
		}
		if bucket(tx, credentialsBucket).Get([]byte(c.Hash)) != nil {
			return auth.ErrSecretTaken
		}
		// A name belongs to its owner even when its keys are gone.
		if err := bucket(tx, ownersBucket).Put(parts(c.Name), []byte(c.Owner)); err != nil {
			return fmt.Errorf("put owner: %w", err)
		}
		if err := bucket(tx, namesBucket).Put(parts(c.Name), []byte(c.Hash)); err != nil {
			return fmt.Errorf("put name: %w", err)
		}
		if err := moveEntry(bucket(tx, endingsBucket), nil, ending(c)); err != nil {
			return fmt.Errorf("put end: %w", err)
		}
		return putCredential(tx, c)
	})
}

// Credential implements [auth.CredentialGetter].
func (r *Repository) Credential(ctx context.Context, hash string) (auth.Credential, error) {
	var found auth.Credential
	err := r.view(ctx, "get key", func(tx *bbolt.Tx) (err error) {
		found, err = credential(tx, []byte(hash))
		return err
	})
	return found, err
}

// NamedCredential implements [auth.CredentialGetter].
func (r *Repository) NamedCredential(ctx context.Context, name string) (auth.Credential, error) {
	var found auth.Credential
	err := r.view(ctx, "get key", func(tx *bbolt.Tx) (err error) {
		found, err = latestOf(tx, name)
		return err
	})
	return found, err
}

// Credentials implements [auth.CredentialLister].
func (r *Repository) Credentials(ctx context.Context) iter.Seq2[auth.Credential, error] {
	return scan(ctx, r, "list keys", namesBucket, nil,
		func(tx *bbolt.Tx, b *batch[auth.Credential], _, hash []byte) (more bool, err error) {
			c, err := credential(tx, hash)
			if err != nil {
				return false, err
			}
			b.add(c, 0)
			return true, nil
		})
}

// RevokeCredential implements [auth.CredentialRevoker].
func (r *Repository) RevokeCredential(ctx context.Context, name string, at time.Time) (auth.Credential, error) {
	var revoked auth.Credential
	err := r.write(ctx, "revoke key "+name, func(tx *bbolt.Tx) error {
		c, err := latestOf(tx, name)
		if err != nil {
			return err
		}
		revoked = c
		if !c.RevokedAt.IsZero() {
			return nil
		}
		revoked.RevokedAt = at.UTC().Truncate(time.Second)
		if err := moveEntry(bucket(tx, endingsBucket), ending(c), ending(revoked)); err != nil {
			return fmt.Errorf("move end: %w", err)
		}
		return putCredential(tx, revoked)
	})
	if err != nil {
		return auth.Credential{}, err
	}
	return revoked, nil
}

// latestOf returns the key that was last given the name.
func latestOf(tx *bbolt.Tx, name string) (auth.Credential, error) {
	return credential(tx, bucket(tx, namesBucket).Get(parts(name)))
}

func credential(tx *bbolt.Tx, hash []byte) (auth.Credential, error) {
	value := bucket(tx, credentialsBucket).Get(hash)
	if value == nil {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return decodeCredential(hash, value)
}

func decodeCredential(hash, value []byte) (auth.Credential, error) {
	var c credentialRecord
	if err := json.Unmarshal(value, &c); err != nil {
		return auth.Credential{}, damaged("%w", err)
	}
	return auth.Credential{
		Name: c.Name, Owner: c.Owner, Hash: string(hash), Allow: c.Allow, Profiles: c.Profiles,
		CreatedAt: fromSeconds(c.Created), ExpiresAt: fromSeconds(c.Expires), RevokedAt: fromSeconds(c.Revoked),
	}, nil
}

func putCredential(tx *bbolt.Tx, c auth.Credential) error {
	value, err := json.Marshal(credentialRecord{
		Name: c.Name, Owner: c.Owner, Allow: c.Allow, Profiles: c.Profiles,
		Created: toSeconds(c.CreatedAt), Expires: toSeconds(c.ExpiresAt), Revoked: toSeconds(c.RevokedAt),
	})
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	return bucket(tx, credentialsBucket).Put([]byte(c.Hash), value)
}

func toSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromSeconds(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
