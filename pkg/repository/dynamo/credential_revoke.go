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
		c.RevokedAt = fromSeconds(at.Unix())
		err = r.revoke(ctx, c)
		if err == nil {
			return c, nil
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

// revoke marks both items of the key.
func (r *Repository) revoke(ctx context.Context, c auth.Credential) error {
	w := newWrite("revoke key " + c.Name)
	revoked := expression.Name("revoked")
	usable := expression.Name("hash").Equal(expression.Value(c.Hash)).And(expression.AttributeNotExists(revoked))
	for _, key := range []itemKey{nameKey(c.Name), secretKey(c.Hash)} {
		if _, err := w.update(r, key, expression.Set(revoked, expression.Value(c.RevokedAt.Unix())), usable); err != nil {
			return err
		}
	}
	if err := w.mark(r); err != nil {
		return err
	}
	return w.run(ctx, r)
}
