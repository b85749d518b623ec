package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// EncodeItem returns the item of an instance, for tests that fill a table.
func EncodeItem(i instance.Instance) (map[string]types.AttributeValue, error) {
	item, err := newItem(i, layout{})
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMap(item)
}

// EncodeFormerItem returns the item of an instance as layout 2 had it.
func EncodeFormerItem(i instance.Instance) (map[string]types.AttributeValue, error) {
	item, err := newItem(i, layout{mixed: true, former: true})
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMap(item)
}

// FormerFold folds s as layouts 1 and 2 did.
func FormerFold(s string) string { return formerFold(s) }

// EncodeTrashItem returns the item of an instance that is deleted at that
// time.
func EncodeTrashItem(i instance.Instance, at time.Time) (map[string]types.AttributeValue, error) {
	return attributevalue.MarshalMap(newTrashItem(i, at))
}

// AssumeLayout makes r take the layout for the newest, for a minute, without a
// call.
func (r *Repository) AssumeLayout() {
	r.known.readAt, r.known.layout = r.now().Round(0), layout{indexed: true}
}

// AssumeNames makes r take the layout for the newest, with name rows, for a minute,
// without a call.
func (r *Repository) AssumeNames() {
	r.known.readAt, r.known.layout = r.now().Round(0), layout{indexed: true, dropsNames: true, keepsNames: true, hasNames: true}
}

// EncodeNameRows returns the name rows of an instance, for tests that fill a table.
func EncodeNameRows(i instance.Instance) ([]map[string]types.AttributeValue, error) {
	return encodeNameRows(i, fold.String(i.Name))
}

// EncodeFormerNameRows returns the name rows of an instance as layout 2 had them.
func EncodeFormerNameRows(i instance.Instance) ([]map[string]types.AttributeValue, error) {
	return encodeNameRows(i, formerFold(i.Name))
}

func encodeNameRows(i instance.Instance, folded string) ([]map[string]types.AttributeValue, error) {
	var all []map[string]types.AttributeValue
	for _, row := range nameRows(i, folded) {
		attributes, err := attributevalue.MarshalMap(row)
		if err != nil {
			return nil, err
		}
		all = append(all, attributes)
	}
	return all, nil
}
