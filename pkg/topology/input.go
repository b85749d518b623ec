package topology

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
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

// parse reads a body. pluginLists are the names under which it may hold
// plugin operations. Errors are noted in f.
func parse(f *httpjson.Fields, pluginLists ...string) input {
	in := input{
		description:  f.String("description", maxDescription),
		environments: set(f, "environments", f.Integers("environments"), identical),
		workflows:    set(f, "workflows", f.Integers("workflows"), identical),
		name:         f.String("instanceName", maxName),
		isActive:     f.Bool("isActive"),
	}
	for _, field := range pluginLists {
		operations := parsePluginOperations(f, field)
		if operations != nil {
			in.pluginOperations = append(orEmpty(in.pluginOperations), operations...)
		}
	}
	in.pluginOperations = set(f, "pluginOperations", in.pluginOperations, pluginOperation.identity)
	in.code = f.String("instanceCode", maxCode)
	in.groupCode = f.String("groupCode", maxCode)
	in.subGroupCode = f.String("subGroupCode", maxCode)
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
	return in
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
		Operation:       f.String("operation", maxName),
		PropertySetName: f.String("propertySetName", maxName),
		OwnerID:         f.Integer("ownerId"),
	}
	if problems := f.Problems(); problems != "" {
		return p, "is not valid: " + problems
	}
	if !p.whole() {
		return p, "must have pluginId and operation, or else propertySetName and ownerId"
	}
	return p, ""
}

// require notes the fields that a whole instance must have.
func (in input) require(f *httpjson.Fields) {
	if in.name == nil && f.Raw("instanceName") == nil {
		f.Reject("instanceName", "is required")
	}
	if in.code == nil && f.Raw("instanceCode") == nil {
		f.Reject("instanceCode", "is required")
	}
}

// replace returns i with everything as in gives it, and the defaults for what
// it does not give.
func (in input) replace(i instance.Instance) (instance.Instance, error) {
	i.Name = valueOr(in.name, "")
	i.Code = valueOr(in.code, "")
	i.Group = valueOr(in.groupCode, "")
	i.SubGroup = valueOr(in.subGroupCode, "")
	i.Active = valueOr(in.isActive, true)
	var err error
	i.Attributes, err = encodeAttributes(attributes{
		Description:        valueOr(in.description, ""),
		Environments:       in.environments,
		Workflows:          in.workflows,
		PluginOperations:   in.pluginOperations,
		IsDeploymentTarget: valueOr(in.isDeploymentTarget, true),
	})
	return i, err
}

// patch returns i with what in gives: texts and switches take its place,
// lists are appended to. It fails where a list becomes too long.
func (in input) patch(i instance.Instance) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	i.Name = valueOr(in.name, i.Name)
	i.Code = valueOr(in.code, i.Code)
	i.Group = valueOr(in.groupCode, i.Group)
	i.SubGroup = valueOr(in.subGroupCode, i.SubGroup)
	i.Active = valueOr(in.isActive, i.Active)
	a.Description = valueOr(in.description, a.Description)
	a.IsDeploymentTarget = valueOr(in.isDeploymentTarget, a.IsDeploymentTarget)

	f := httpjson.NewFields(nil)
	a.Environments = set(f, "environments", append(a.Environments, in.environments...), identical)
	a.Workflows = set(f, "workflows", append(a.Workflows, in.workflows...), identical)
	a.PluginOperations = set(f, "pluginOperations",
		append(a.PluginOperations, in.pluginOperations...), pluginOperation.identity)
	if err := f.Err(); err != nil {
		return instance.Instance{}, err
	}
	i.Attributes, err = encodeAttributes(a)
	return i, err
}

// set returns list without repeated entries, in order, and notes in f where
// it is too long. A nil list stays nil.
func set[T any, I comparable](f *httpjson.Fields, field string, list []T, identity func(T) I) []T {
	if list == nil {
		return nil
	}
	seen := make(map[I]bool, len(list))
	kept := make([]T, 0, len(list))
	for _, entry := range list {
		if id := identity(entry); !seen[id] {
			seen[id] = true
			kept = append(kept, entry)
		}
	}
	if len(kept) > maxEntries {
		f.Reject(field, fmt.Sprintf("must have at most %d entries, not %d", maxEntries, len(kept)))
	}
	return kept
}

// identical is the identity of a number.
func identical(n int64) int64 { return n }

// valueOr returns what p points to, or def where it is nil.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
