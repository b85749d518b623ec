package execution

import (
	"encoding/json"
	"fmt"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// attributes are what only this dialect knows of an instance, as they are
// stored in [instance.Instance.Attributes].
type attributes struct {
	Description *string         `json:"description,omitempty"`
	Mode        string          `json:"mode"`
	Input       json.RawMessage `json:"input,omitempty"`
	ForceInput  json.RawMessage `json:"forceinput,omitempty"`
	Output      json.RawMessage `json:"output,omitempty"`
	Logging     json.RawMessage `json:"logging,omitempty"`
	Start       *int64          `json:"start,omitempty"`
	DockerID    *string         `json:"dockerId,omitempty"`
}

// decodeAttributes reads the attributes of i.
func decodeAttributes(i instance.Instance) (attributes, error) {
	return instance.DecodeAttributes[attributes](i)
}

// withAttributes returns i with the attributes. JSON in them stays as it is.
func withAttributes(i instance.Instance, a attributes) (instance.Instance, error) {
	b, err := httpjson.Marshal(a)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("encode attributes: %w", err)
	}
	i.Attributes = b
	return i, nil
}
