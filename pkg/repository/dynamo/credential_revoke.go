package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
	"instances/pkg/repository"
)

// RevokeCredential makes the key of the name unusable from now on, and
// returns it as stored. A key that is revoked already keeps its time. It
// returns [auth.ErrNoCredential] if there is no such key.
func (r *Repository) RevokeCredential(ctx context.Context, name string, at time.Time) (auth.Credential, error) {
	if name == "" {
		return auth.Credential{}, auth.ErrNoCredential
	}
	for attempt := 0; ; attempt++ {
		c, err := r.getCredential(ctx, nameKey(name))
		if err != nil || !c.RevokedAt.IsZero() {
			return c, err
		}
		revoked := c
		revoked.RevokedAt = fromSeconds(at.Unix())
		err = r.revoke(ctx, c, revoked)
		if err == nil {
			return revoked, nil
		}
		// Refused: the key was revoked or its name given again meanwhile.
		if _, ok := errors.AsType[*refusal](err); !ok {
			return auth.Credential{}, err
		}
		if attempt >= maxAttempts {
			return auth.Credential{}, unavailable("revoke key "+name, err)
		}
		if err := repository.Backoff(ctx, attempt); err != nil {
			return auth.Credential{}, fmt.Errorf("revoke key %s: %w", name, err)
		}
	}
}

// revoke marks both items of the key, and moves its end where that changes.
func (r *Repository) revoke(ctx context.Context, before, after auth.Credential) error {
	w := newWrite("revoke key " + after.Name)
	revoked := expression.Name("revoked")
	usable := expression.Name("hash").Equal(expression.Value(after.Hash)).And(expression.AttributeNotExists(revoked))
	for _, key := range []itemKey{nameKey(after.Name), secretKey(after.Hash)} {
		if _, err := w.update(r, key, expression.Set(revoked, expression.Value(after.RevokedAt.Unix())), usable); err != nil {
			return err
		}
	}
	if !before.EndedAt().Equal(after.EndedAt()) {
		if err := w.removeEnding(r, before); err != nil {
			return err
		}
		if err := w.putEnding(r, after); err != nil {
			return err
		}
	}
	if err := w.mark(r); err != nil {
		return err
	}
	return w.run(ctx, r)
}
