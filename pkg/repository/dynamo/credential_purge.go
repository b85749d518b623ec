package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
	"instances/pkg/instance"
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
	for range repository.Attempts(ctx) {
		latest, err := r.getCredential(ctx, nameKey(c.Name))
		if err != nil && !errors.Is(err, auth.ErrNoCredential) {
			return err
		}
		if err := r.purgeCredential(ctx, c, latest); !repository.LostRace(err) {
			return err
		}
	}
	return repository.Busy("purge key " + c.Name)
}

// purgeCredential removes the items of the key; that of its name too where it
// is the latest of it. It returns [instance.ErrConflict] if the name was given
// again meanwhile.
func (r *Repository) purgeCredential(ctx context.Context, c, latest auth.Credential) error {
	w := r.transaction("purge key " + c.Name)
	same := expression.Name("name").Equal(expression.Value(c.Name)).
		And(timeIs("until", seconds(c.ExpiresAt))).
		And(timeIs("revoked", seconds(c.RevokedAt)))
	w.remove(secretKey(c.Hash), same, is(auth.ErrNoCredential))
	if latest.Hash == c.Hash {
		last := expression.Name("hash").Equal(expression.Value(c.Hash))
		w.put(tombstoneItem{nameKey(latest.Name), latest.Name, latest.Owner}, last, is(instance.ErrConflict))
	}
	w.removeEnding(c)
	return w.run(ctx)
}

// timeIs is the condition that the attribute is that time, or absent for 0.
func timeIs(attribute string, t int64) expression.ConditionBuilder {
	name := expression.Name(attribute)
	if t == 0 {
		return expression.AttributeNotExists(name)
	}
	return name.Equal(expression.Value(t))
}
