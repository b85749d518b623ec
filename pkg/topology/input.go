package topology

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"instances/pkg/httpjson"
)

// The limits of an instance, in characters and entries.
const (
	maxName        = 255
	maxCode        = 100
	maxDescription = 4000
	maxEntries     = 1000
)

// input is what a body gives. A nil field was missing or null.
type input struct {
	description        *string
	environments       []int64
	workflows          []int64
	name               *string
	isActive           *bool
	pluginOperations   []pluginOperation
	code               *string
	groupCode          *string
	subGroupCode       *string
	isDeploymentTarget *bool
}

// parse reads a body. Errors are noted in f.
func parse(f *httpjson.Fields) input {
	in := input{
		description:  f.String("description", maxDescription),
		environments: set(f, "environments", f.Integers("environments"), identical),
		workflows:    set(f, "workflows", f.Integers("workflows"), identical),
		name:         f.Line("instanceName", maxName),
		isActive:     f.Bool("isActive"),
	}
	// The description has both names.
	for _, field := range []string{"pluginOperations", "plugins"} {
		operations := parsePluginOperations(f, field)
		if operations != nil {
			in.pluginOperations = append(orEmpty(in.pluginOperations), operations...)
		}
	}
	in.pluginOperations = set(f, "pluginOperations", in.pluginOperations, pluginOperation.identity)
	in.code = f.Line("instanceCode", maxCode)
	in.groupCode = f.Line("groupCode", maxCode)
	in.subGroupCode = f.Line("subGroupCode", maxCode)
	in.isDeploymentTarget = f.Bool("isDeploymentTarget")

	if in.name != nil && strings.TrimSpace(*in.name) == "" {
		f.Reject("instanceName", "must not be blank")
	}
	if in.code != nil && *in.code == "" {
		f.Reject("instanceCode", "must not be empty")
	}
	if in.code != nil && strings.ContainsFunc(*in.code, unicode.IsSpace) {
		f.Reject("instanceCode", "must not contain white space")
	}
	for _, code := range []struct {
		field string
		value *string
	}{{"instanceCode", in.code}, {"groupCode", in.groupCode}, {"subGroupCode", in.subGroupCode}} {
		if code.value != nil && strings.ContainsFunc(*code.value, zeroWidth) {
			f.Reject(code.field, "must not have zero-width characters")
		}
	}
	return in
}

// zeroWidth reports whether r is not seen, so that two codes would look the same.
func zeroWidth(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// parsePluginOperations reads a list of plugin operations; nil where it is
// not given.
func parsePluginOperations(f *httpjson.Fields, field string) []pluginOperation {
	entries := f.List(field)
	if entries == nil {
		return nil
	}
	operations := make([]pluginOperation, 0, len(entries))
	for i, entry := range entries {
		p, err := parsePluginOperation(entry)
		if err != "" {
			f.Reject(fmt.Sprintf("%s[%d]", field, i), err)
			break
		}
		operations = append(operations, p)
	}
	return operations
}

// parsePluginOperation reads either form of a plugin operation, or says what
// is wrong with it.
func parsePluginOperation(raw json.RawMessage) (p pluginOperation, message string) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return p, "must be an object with pluginId and operation"
	}
	f := httpjson.NewFields(members)
	p = pluginOperation{
		PluginID:        f.Integer("pluginId"),
		Operation:       f.Line("operation", maxName),
		PropertySetName: f.Line("propertySetName", maxName),
		OwnerID:         f.Integer("ownerId"),
	}
	if problems := f.Problems(); problems != "" {
		return p, "is not valid: " + problems
	}
	if !p.valid() {
		return p, "must have pluginId and operation, or else propertySetName and ownerId"
	}
	return p, ""
}

// parseInstance reads a body that describes a complete instance.
func parseInstance(members map[string]json.RawMessage) (input, error) {
	f := httpjson.NewFields(members)
	in := parse(f)
	in.require(f)
	return in, f.Err()
}
