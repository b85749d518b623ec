package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// RevokeCredential implements [auth.CredentialRevoker] with a read and a
// transaction.
func (r *Repository) RevokeCredential(ctx context.Context, name string, at time.Time) (auth.Credential, error) {
	if name == "" {
		return auth.Credential{}, auth.ErrNoCredential
	}
	for range repository.Attempts(ctx) {
		c, err := r.getCredential(ctx, nameKey(name))
		if err != nil || !c.RevokedAt.IsZero() {
			return c, err
		}
		revoked := c
		revoked.RevokedAt = fromSeconds(at.Unix())
		switch err := r.revoke(ctx, c, revoked); {
		case err == nil:
			return revoked, nil
		case !repository.LostRace(err):
			return auth.Credential{}, err
		}
	}
	return auth.Credential{}, repository.Busy("revoke key " + name)
}

// revoke marks both items of the key, and moves its end if that changes. It
// returns [instance.ErrConflict] if the key has been revoked or replaced since it
// was read.
func (r *Repository) revoke(ctx context.Context, before, after auth.Credential) error {
	w := r.transaction("revoke key " + after.Name)
	revoked := expression.Name("revoked")
	usable := expression.Name("hash").Equal(expression.Value(after.Hash)).And(expression.AttributeNotExists(revoked))
	for _, key := range []itemKey{nameKey(after.Name), secretKey(after.Hash)} {
		w.update(key, expression.Set(revoked, expression.Value(after.RevokedAt.Unix())), usable, is(instance.ErrConflict))
	}
	if !before.EndedAt().Equal(after.EndedAt()) {
		w.removeEnding(before)
		w.putEnding(after)
	}
	return w.run(ctx)
}
