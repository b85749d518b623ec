package topology

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"instances/pkg/instance"
)

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
		if !p.whole() {
			return fmt.Errorf("attributes: pluginOperations[%d] has neither pluginId and operation nor propertySetName and ownerId", n)
		}
	}
	return nil
}
