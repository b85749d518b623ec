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
