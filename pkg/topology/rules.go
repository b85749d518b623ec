package topology

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

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

// Check returns an error that says why i, which does not come from a request
// of this API, is not what this API stores.
func Check(i instance.Instance) error {
	a, err := decodeAttributes(i)
	if err != nil {
		return err
	}
	for _, text := range []struct {
		field, value string
		limit        int
	}{
		{"name", i.Name, maxName},
		{"code", i.Code, maxCode},
		{"group", i.Group, maxCode},
		{"subGroup", i.SubGroup, maxCode},
		{"description", a.Description, maxDescription},
	} {
		if n := utf8.RuneCountInString(text.value); n > text.limit {
			return fmt.Errorf("%s: %d characters, and at most %d are allowed", text.field, n, text.limit)
		}
	}
	switch {
	case strings.TrimSpace(i.Name) == "":
		return errors.New("name: is missing or blank")
	case strings.ContainsFunc(i.Code, unicode.IsSpace):
		return errors.New("code: contains white space")
	case max(len(a.Environments), len(a.Workflows), len(a.PluginOperations)) > maxEntries:
		return fmt.Errorf("attributes: a list has more than %d entries", maxEntries)
	}
	for n, p := range a.PluginOperations {
		if !p.valid() {
			return fmt.Errorf("attributes: pluginOperations[%d] has neither pluginId and operation nor propertySetName and ownerId", n)
		}
	}
	return nil
}
