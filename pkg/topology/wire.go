package topology

import (
	"encoding/json"
	"fmt"
	"strconv"

	"instances/pkg/instance"
)

// attributes are what only this dialect knows of an instance, as they are
// stored in [instance.Instance.Attributes].
type attributes struct {
	Description        string            `json:"description,omitempty"`
	Environments       []int64           `json:"environments,omitempty"`
	Workflows          []int64           `json:"workflows,omitempty"`
	PluginOperations   []pluginOperation `json:"pluginOperations,omitempty"`
	IsDeploymentTarget bool              `json:"isDeploymentTarget"`
}

// pluginOperation has either of the two forms that the description shows.
// Pointers tell the forms apart; a value of it is made by parsePluginOperation
// or decoded from what was stored, and holds one whole form.
type pluginOperation struct {
	PluginID        *int64  `json:"pluginId,omitempty"`
	Operation       *string `json:"operation,omitempty"`
	PropertySetName *string `json:"propertySetName,omitempty"`
	OwnerID         *int64  `json:"ownerId,omitempty"`
}

// valid reports whether p has exactly one of the two forms.
func (p pluginOperation) valid() bool {
	described := p.PluginID != nil && p.Operation != nil && p.PropertySetName == nil && p.OwnerID == nil
	shown := p.PropertySetName != nil && p.OwnerID != nil && p.PluginID == nil && p.Operation == nil
	return described || shown
}

// identity is a comparable form of p.
func (p pluginOperation) identity() string {
	if p.PluginID != nil {
		return "pluginId " + strconv.FormatInt(*p.PluginID, 10) + " " + *p.Operation
	}
	return "ownerId " + strconv.FormatInt(*p.OwnerID, 10) + " " + *p.PropertySetName
}

// decodeAttributes reads the attributes of i.
func decodeAttributes(i instance.Instance) (attributes, error) {
	return instance.DecodeAttributes[attributes](i)
}

// encodeAttributes returns a as it is stored.
func encodeAttributes(a attributes) (json.RawMessage, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	return b, nil
}
