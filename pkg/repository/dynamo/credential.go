package dynamo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/auth"
)

// credentialItem is a key as stored, twice: by the hash of its secret and by its
// name. Times are seconds since 1970. The end of a key is not the attribute that
// the table's TTL reads, since a name is kept forever, even when its last key has
// been purged.
type credentialItem struct {
	itemKey
	Name     string            `dynamodbav:"name"`
	Owner    string            `dynamodbav:"owner"`
	Hash     string            `dynamodbav:"hash"`
	Allow    []string          `dynamodbav:"allow,omitempty"`
	Profiles map[string]string `dynamodbav:"profiles,omitempty"`
	Created  int64             `dynamodbav:"created"`
	Until    int64             `dynamodbav:"until,omitempty"`
	Revoked  int64             `dynamodbav:"revoked,omitempty"`
}

// tombstoneItem is what remains of a name whose last key has been purged.
type tombstoneItem struct {
	itemKey
	Name  string `dynamodbav:"name"`
	Owner string `dynamodbav:"owner"`
}

// secretKey is the item of a key by the hash of its secret.
func secretKey(hash string) itemKey { return itemKey{"secret#" + hash, "key"} }

// nameKey is the item of a key by its name.
func nameKey(name string) itemKey { return itemKey{"keys", name} }

// newCredentialItem returns c as stored under the key.
func newCredentialItem(key itemKey, c auth.Credential) credentialItem {
	return credentialItem{
		key, c.Name, c.Owner, c.Hash, c.Allow, c.Profiles,
		seconds(c.CreatedAt), seconds(c.ExpiresAt), seconds(c.RevokedAt),
	}
}

// readCredential returns the key in an item.
func readCredential(i item) (auth.Credential, error) {
	stored, err := decode[credentialItem](i)
	return auth.Credential{
		Name: stored.Name, Owner: stored.Owner, Hash: stored.Hash, Allow: stored.Allow, Profiles: stored.Profiles,
		CreatedAt: fromSeconds(stored.Created), ExpiresAt: fromSeconds(stored.Until), RevokedAt: fromSeconds(stored.Revoked),
	}, err
}

// Credential implements [auth.CredentialGetter] with one consistent read.
func (r *Repository) Credential(ctx context.Context, hash string) (auth.Credential, error) {
	if hash == "" {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return r.getCredential(ctx, secretKey(hash))
}

// NamedCredential implements [auth.CredentialGetter] with one consistent read.
func (r *Repository) NamedCredential(ctx context.Context, name string) (auth.Credential, error) {
	if !auth.ValidName(name) {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return r.getCredential(ctx, nameKey(name))
}

func (r *Repository) getCredential(ctx context.Context, key itemKey) (auth.Credential, error) {
	attributes, err := r.getItem(ctx, key)
	if err != nil {
		return auth.Credential{}, fmt.Errorf("get key: %w", err)
	}
	if len(attributes) == 0 {
		return auth.Credential{}, auth.ErrNoCredential
	}
	c, err := readCredential(attributes)
	if err == nil && c.Hash == "" {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return c, err
}

// Credentials implements [auth.CredentialLister]. Names without a key are left
// out.
func (r *Repository) Credentials(ctx context.Context) iter.Seq2[auth.Credential, error] {
	pages := r.query(ctx, within("pk", nameKey("").PK, "", ""), nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) })
	return named("list keys", where(each(pages, readCredential), func(c auth.Credential) bool { return c.Hash != "" }))
}

// seconds returns t in seconds since 1970, and 0 for no time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// fromSeconds is the inverse of seconds.
func fromSeconds(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
