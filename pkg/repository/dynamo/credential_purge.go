package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
	"instances/pkg/repository"
)

// PurgeCredential removes a key for good. Where it is the latest of its name,
// what is kept of the name is its owner: no other may ever have it. It
// returns [auth.ErrNoCredential] unless the key still is revoked and expires
// as c says.
func (r *Repository) PurgeCredential(ctx context.Context, c auth.Credential) error {
	if c.Name == "" || c.Hash == "" {
		return auth.ErrNoCredential
	}
	for attempt := 0; ; attempt++ {
		latest, err := r.getCredential(ctx, nameKey(c.Name))
		if err != nil && !errors.Is(err, auth.ErrNoCredential) {
			return err
		}
		err = r.purgeCredential(ctx, c, latest)
		// Refused: the name was given again meanwhile.
		if _, ok := errors.AsType[*refusal](err); !ok {
			return err
		}
		if attempt >= maxAttempts {
			return unavailable("purge key "+c.Name, err)
		}
		if err := repository.Backoff(ctx, attempt); err != nil {
			return fmt.Errorf("purge key %s: %w", c.Name, err)
		}
	}
}

// purgeCredential removes the items of the key; that of its name too where it
// is the latest of it. It returns a *[refusal] if it no longer is.
func (r *Repository) purgeCredential(ctx context.Context, c, latest auth.Credential) error {
	w := newWrite("purge key " + c.Name)
	same := expression.Name("name").Equal(expression.Value(c.Name)).
		And(timeIs("until", seconds(c.ExpiresAt))).
		And(timeIs("revoked", seconds(c.RevokedAt)))
	key, err := w.remove(r, secretKey(c.Hash), same)
	if err != nil {
		return err
	}
	if latest.Hash == c.Hash {
		last := expression.Name("hash").Equal(expression.Value(c.Hash))
		if _, err := w.put(r, tombstoneItem{nameKey(latest.Name), latest.Name, latest.Owner}, last); err != nil {
			return err
		}
	}
	if err := w.removeEnding(r, c); err != nil {
		return err
	}
	if err := w.mark(r); err != nil {
		return err
	}
	err = w.run(ctx, r)
	if no, ok := errors.AsType[*refusal](err); ok {
		if _, ok := no.failed(key); ok {
			return auth.ErrNoCredential
		}
	}
	return err
}

// timeIs is the condition that the attribute is that time, or absent for 0.
func timeIs(attribute string, t int64) expression.ConditionBuilder {
	name := expression.Name(attribute)
	if t == 0 {
		return expression.AttributeNotExists(name)
	}
	return name.Equal(expression.Value(t))
}
