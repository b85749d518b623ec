package dynamo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// maxItemBytes is the size that DynamoDB allows for an item, less some room for
// numbers and the names of attributes.
const maxItemBytes = 400<<10 - 2<<10

// item is an item as DynamoDB returns it.
type item = map[string]types.AttributeValue

// decode returns the contents of an item.
func decode[T any](i item) (T, error) {
	var v T
	if err := attributevalue.UnmarshalMap(i, &v); err != nil {
		return v, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}

// instanceItem is an instance as stored. Times are milliseconds since 1970; a
// zero time is not stored.
type instanceItem struct {
	itemKey
	Collection  string `dynamodbav:"col"`
	ID          string `dynamodbav:"id"`
	Code        string `dynamodbav:"code,omitempty"`
	Group       string `dynamodbav:"grp,omitempty"`
	SubGroup    string `dynamodbav:"sub,omitempty"`
	Name        string `dynamodbav:"name,omitempty"`
	Owner       string `dynamodbav:"owner,omitempty"`
	Status      string `dynamodbav:"status,omitempty"`
	Active      bool   `dynamodbav:"active"`
	Version     int64  `dynamodbav:"v"`
	Incarnation string `dynamodbav:"inc"`
	Created     int64  `dynamodbav:"created,omitempty"`
	Updated     int64  `dynamodbav:"updated,omitempty"`
	Seen        int64  `dynamodbav:"seen,omitempty"`
	Idle        int64  `dynamodbav:"idle,omitempty"`
	Attributes  string `dynamodbav:"attrs,omitempty"`
	indexKeys
}

// indexKeys are the attributes that the indexes hold, besides the status.
type indexKeys struct {
	CodePartition   string `dynamodbav:"cpk,omitempty"`
	CodeSort        string `dynamodbav:"csk,omitempty"`
	GroupPartition  string `dynamodbav:"gpk,omitempty"`
	GroupSort       string `dynamodbav:"gsk,omitempty"`
	SubPartition    string `dynamodbav:"spk,omitempty"`
	SubSort         string `dynamodbav:"ssk,omitempty"`
	StatusPartition string `dynamodbav:"tpk,omitempty"`
	StatusSort      string `dynamodbav:"tsk,omitempty"`
	NamePartition   string `dynamodbav:"npk,omitempty"`
	FoldedName      string `dynamodbav:"fname,omitempty"`
	FoldedSubGroup  string `dynamodbav:"fsubgroup,omitempty"`
	IdlePartition   string `dynamodbav:"ipk,omitempty"`
	IdleSort        string `dynamodbav:"isk,omitempty"`
}

// newItem returns i as stored and indexed in that layout.
func newItem(i instance.Instance, l layout) (instanceItem, error) {
	if i.StoredSize() > instance.MaxStoredBytes {
		return instanceItem{}, instance.ErrTooLarge
	}
	if !fits(i.Key()) {
		return instanceItem{}, instance.ErrTooLarge
	}
	if !valid(i.Key()) {
		return instanceItem{}, fmt.Errorf("%q in %q is not an id of a %s", i.ID, i.Collection, i.Kind)
	}
	sk := i.SortKey()
	stored := bareItem(i)
	stored.itemKey = itemKey{partition(i.Kind, i.Collection), sk}
	stored.indexKeys = newIndexKeys(i, sk, l)
	if stored.size() > maxItemBytes {
		return instanceItem{}, instance.ErrTooLarge
	}
	return stored, nil
}

// bareItem returns i as stored, without keys.
func bareItem(i instance.Instance) instanceItem {
	return instanceItem{
		Collection: i.Collection, ID: i.ID, Code: i.Code, Group: i.Group, SubGroup: i.SubGroup,
		Name: i.Name, Owner: i.Owner, Status: i.Status, Active: i.Active,
		Version: i.Version, Incarnation: i.Incarnation,
		Created: milli(i.CreatedAt), Updated: milli(i.UpdatedAt), Seen: milli(i.LastSeenAt),
		Idle: milli(i.IdleSince), Attributes: string(i.Attributes),
	}
}

// newIndexKeys returns what the indexes hold of an instance. An empty text is
// never a key, and an instance is only in the indexes in which a search can find
// it.
func newIndexKeys(i instance.Instance, sk string, l layout) indexKeys {
	k := indexKeys{FoldedName: l.fold(i.Name), FoldedSubGroup: l.fold(i.SubGroup)}
	position := joined(i.Collection, sk)
	if i.Code != "" {
		k.CodePartition, k.CodeSort = indexPartition(i.Kind, l.fold(i.Code)), position
	}
	if i.Group != "" {
		k.GroupPartition, k.GroupSort = indexPartition(i.Kind, l.fold(i.Group)), position
	}
	if i.SubGroup != "" {
		k.SubPartition, k.SubSort = indexPartition(i.Kind, k.FoldedSubGroup), position
	}
	if i.Status != "" {
		k.StatusPartition, k.StatusSort = indexPartition(i.Kind, i.Status), position
	}
	if i.Name != "" {
		k.NamePartition = indexPartition(i.Kind, i.Collection)
	}
	if !i.IdleSince.IsZero() {
		k.IdlePartition, k.IdleSort = idlePartition(i.Kind, shard(i.ID)), day(i.IdleSince)
	}
	return k
}

// size returns about how many bytes the texts in the item take.
func (i instanceItem) size() int {
	n := 0
	for _, s := range []string{
		i.PK, i.SK, i.Collection, i.ID, i.Code, i.Group, i.SubGroup, i.Name, i.Owner, i.Status,
		i.Incarnation, i.Attributes, i.CodePartition, i.CodeSort, i.GroupPartition, i.GroupSort,
		i.SubPartition, i.SubSort, i.StatusPartition, i.StatusSort,
		i.NamePartition, i.FoldedName, i.FoldedSubGroup, i.IdlePartition, i.IdleSort,
	} {
		n += len(s)
	}
	return n
}

// instance returns the instance that is stored.
func (i instanceItem) instance(kind instance.Kind) instance.Instance {
	out := instance.Instance{
		Kind: kind, Collection: i.Collection, ID: i.ID, Code: i.Code, Group: i.Group,
		SubGroup: i.SubGroup, Name: i.Name, Owner: i.Owner, Status: i.Status, Active: i.Active,
		Version: i.Version, Incarnation: i.Incarnation,
		CreatedAt: fromMilli(i.Created), UpdatedAt: fromMilli(i.Updated), LastSeenAt: fromMilli(i.Seen),
		IdleSince: fromMilli(i.Idle),
	}
	if i.Attributes != "" {
		out.Attributes = json.RawMessage(i.Attributes)
	}
	return out
}

// readInstance returns the instance in an item.
func readInstance(kind instance.Kind, i item) (instance.Instance, error) {
	stored, err := decode[instanceItem](i)
	return stored.instance(kind), err
}

// milli returns t in milliseconds since 1970, and 0 for no time.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMilli is the inverse of milli.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
