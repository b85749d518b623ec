package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// EncodeItem returns the item of an instance, for tests that fill a table.
func EncodeItem(i instance.Instance) (map[string]types.AttributeValue, error) {
	item, err := newItem(i)
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMap(item)
}

// EncodeTrashItem returns the item of an instance that is deleted at that
// time.
func EncodeTrashItem(i instance.Instance, at time.Time) (map[string]types.AttributeValue, error) {
	return attributevalue.MarshalMap(newTrashItem(i, at))
}

// AssumeLayout makes r take the layout for the newest, for a minute, without a
// call.
func (r *Repository) AssumeLayout() {
	r.known.readAt, r.known.layout = r.now().Round(0), layout{complete: true}
}

// AssumeNames makes r take the layout for the newest, with name rows, for a minute,
// without a call.
func (r *Repository) AssumeNames() {
	r.known.readAt, r.known.layout = r.now().Round(0), layout{complete: true, dropsNames: true, keepsNames: true, hasNames: true}
}

// EncodeNameRows returns the name rows of an instance, for tests that fill a table.
func EncodeNameRows(i instance.Instance) ([]map[string]types.AttributeValue, error) {
	var all []map[string]types.AttributeValue
	for _, row := range nameRows(i) {
		attributes, err := attributevalue.MarshalMap(row)
		if err != nil {
			return nil, err
		}
		all = append(all, attributes)
	}
	return all, nil
}
