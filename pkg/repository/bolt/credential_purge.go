package bolt

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
)

// EndedCredentials implements [auth.CredentialPurger].
func (r *Repository) EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[auth.Credential, error] {
	return scan(ctx, r, "list ended keys", endingsBucket, nil,
		func(tx *bbolt.Tx, b *batch[auth.Credential], entry, _ []byte) (more bool, err error) {
			at, hash := cutTime(entry)
			if !at.Before(before) {
				return false, nil
			}
			c, err := credential(tx, hash)
			if err != nil {
				return false, err
			}
			b.add(c, 0)
			return true, nil
		})
}

// PurgeCredential implements [auth.CredentialPurger].
func (r *Repository) PurgeCredential(ctx context.Context, c auth.Credential) error {
	return r.write(ctx, "purge key "+c.Name, func(tx *bbolt.Tx) error {
		hash := []byte(c.Hash)
		stored, err := credential(tx, hash)
		if err != nil {
			return err
		}
		if !stored.RevokedAt.Equal(c.RevokedAt) || !stored.ExpiresAt.Equal(c.ExpiresAt) {
			return auth.ErrNoCredential
		}
		if names, name := bucket(tx, namesBucket), parts(stored.Name); bytes.Equal(names.Get(name), hash) {
			if err := names.Delete(name); err != nil {
				return fmt.Errorf("delete name: %w", err)
			}
		}
		if err := moveEntry(bucket(tx, endingsBucket), ending(stored), nil); err != nil {
			return fmt.Errorf("delete end: %w", err)
		}
		return bucket(tx, credentialsBucket).Delete(hash)
	})
}

// ending is the entry of a key in the index of ends, or nil for one that works
// forever.
func ending(c auth.Credential) []byte {
	at := toSeconds(c.EndedAt())
	if at == 0 {
		return nil
	}
	return append(appendTime(nil, time.Unix(at, 0)), c.Hash...)
}
