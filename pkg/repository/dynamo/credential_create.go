package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
)

// CreateCredential stores a new key. It returns [auth.ErrNameOfOther] if a key
// of that name ever belonged to another owner, and [auth.ErrNameTaken] if one
// of the same owner is neither revoked nor expired at the time of creation.
func (r *Repository) CreateCredential(ctx context.Context, c auth.Credential) error {
	w := newWrite("create key " + c.Name)
	until, revoked := expression.Name("until"), expression.Name("revoked")
	free := absent().Or(
		expression.Name("owner").Equal(expression.Value(c.Owner)).And(
			expression.AttributeExists(revoked).Or(
				until.LessThanEqual(expression.Value(c.CreatedAt.Unix())),
				// The last key of the name was purged.
				expression.AttributeNotExists(expression.Name("hash")))))
	name, err := w.put(r, newCredentialItem(nameKey(c.Name), c), free)
	if err != nil {
		return err
	}
	if _, err := w.put(r, newCredentialItem(secretKey(c.Hash), c), absent()); err != nil {
		return err
	}
	if err := w.putEnding(r, c); err != nil {
		return err
	}
	if err := w.mark(r); err != nil {
		return err
	}
	err = w.run(ctx, r)
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	if there, ok := no.failed(name); ok {
		holder, err := readCredential(there)
		if err != nil {
			return err
		}
		if holder.Owner != c.Owner {
			return auth.ErrNameOfOther
		}
		return auth.ErrNameTaken
	}
	return fmt.Errorf("%s: %w", w.operation, err)
}
