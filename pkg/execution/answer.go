package execution

import (
	"encoding/json"
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

// message is the body of answers other than instances.
type message struct {
	Message string `json:"message"`
}
