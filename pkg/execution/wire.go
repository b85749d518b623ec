package execution

import (
	"encoding/json"
	"fmt"
	"net/http"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// document is an instance as answers hold it, in the order of the later
// description.
type document struct {
	ID          string          `json:"id"`
	IDRef       string          `json:"idRef"`
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Mode        string          `json:"mode"`
	User        string          `json:"user"`
	Input       json.RawMessage `json:"input"`
	ForceInput  json.RawMessage `json:"forceinput"`
	Output      json.RawMessage `json:"output"`
	Logging     json.RawMessage `json:"logging"`
	// Creation and Start are in milliseconds since 1970.
	Creation int64   `json:"creation"`
	Start    *int64  `json:"start"`
	OTStatus string  `json:"otStatus"`
	DockerID *string `json:"dockerId"`
}

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

// encode returns the wire form of i.
func encode(i instance.Instance) (document, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return document{}, err
	}
	return document{
		ID: i.ID, IDRef: i.Group, Name: i.Name, Description: a.Description, Mode: a.Mode, User: i.SubGroup,
		Input: a.Input, ForceInput: a.ForceInput, Output: a.Output, Logging: a.Logging,
		Creation: i.CreatedAt.UnixMilli(), Start: a.Start, OTStatus: i.Status, DockerID: a.DockerID,
	}, nil
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

// answerWith returns an answer that holds i.
func answerWith(i instance.Instance) (httpjson.Answer, error) {
	d, err := encode(i)
	if err != nil {
		return httpjson.Answer{}, err
	}
	answer, err := httpjson.NewAnswer(http.StatusOK, d)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}
