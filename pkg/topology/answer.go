package topology

import (
	"fmt"
	"strconv"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// document is an instance as answers hold it, in the order of the
// description.
type document struct {
	Description        *string           `json:"description"`
	Environments       []int64           `json:"environments"`
	Workflows          []int64           `json:"workflows"`
	InstanceID         int64             `json:"instanceId"`
	InstanceName       *string           `json:"instanceName"`
	IsActive           bool              `json:"isActive"`
	PluginOperations   []pluginOperation `json:"pluginOperations"`
	InstanceCode       *string           `json:"instanceCode"`
	GroupCode          *string           `json:"groupCode"`
	SubGroupCode       *string           `json:"subGroupCode"`
	IsDeploymentTarget bool              `json:"isDeploymentTarget"`
}

// encode returns the wire form of i.
func encode(i instance.Instance) (document, error) {
	n, err := strconv.ParseInt(i.ID, 10, 64)
	if err != nil {
		return document{}, fmt.Errorf("encode %s: id is not a number: %w", i.Key(), err)
	}
	a, err := decodeAttributes(i)
	if err != nil {
		return document{}, err
	}
	return document{
		Description:        optional(a.Description),
		Environments:       orEmpty(a.Environments),
		Workflows:          orEmpty(a.Workflows),
		InstanceID:         n,
		InstanceName:       optional(i.Name),
		IsActive:           i.Active,
		PluginOperations:   orEmpty(a.PluginOperations),
		InstanceCode:       optional(i.Code),
		GroupCode:          optional(i.Group),
		SubGroupCode:       optional(i.SubGroup),
		IsDeploymentTarget: a.IsDeploymentTarget,
	}, nil
}

// answerWith returns an answer that holds i.
func answerWith(status int, i instance.Instance) (httpjson.Answer, error) {
	d, err := encode(i)
	if err != nil {
		return httpjson.Answer{}, err
	}
	answer, err := httpjson.NewAnswer(status, d)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}

// optional returns nil for an empty text, which is an absent one.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// orEmpty returns list, or an empty one that encodes as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
