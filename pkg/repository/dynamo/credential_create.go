package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/auth"
)

// CreateCredential implements [auth.CredentialCreator] as one transaction.
func (r *Repository) CreateCredential(ctx context.Context, c auth.Credential) error {
	w := r.transaction("create key " + c.Name)
	until, revoked := expression.Name("until"), expression.Name("revoked")
	free := absent().Or(
		expression.Name("owner").Equal(expression.Value(c.Owner)).And(
			expression.AttributeExists(revoked).Or(
				until.LessThanEqual(expression.Value(c.CreatedAt.Unix())),
				// The last key of the name was purged.
				expression.AttributeNotExists(expression.Name("hash")))))
	w.put(newCredentialItem(nameKey(c.Name), c), free, func(stored item) error {
		holder, err := readCredential(stored)
		switch {
		case err != nil:
			return err
		case holder.Owner != c.Owner:
			return auth.ErrNameOfOther
		default:
			return auth.ErrNameTaken
		}
	})
	w.put(newCredentialItem(secretKey(c.Hash), c), absent(), is(auth.ErrSecretTaken))
	w.putEnding(c)
	return w.run(ctx)
}
