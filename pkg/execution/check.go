package execution

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	for _, text := range []struct{ field, value string }{
		{"name", i.Name}, {"group", i.Group}, {"subGroup", i.SubGroup},
	} {
		switch n := utf8.RuneCountInString(text.value); {
		case strings.TrimSpace(text.value) == "":
			return fmt.Errorf("%s: is missing or blank", text.field)
		case n > maxText:
			return fmt.Errorf("%s: %d characters, and at most %d are allowed", text.field, n, maxText)
		}
	}
	switch {
	case !slices.Contains(statuses(), i.Status):
		return fmt.Errorf("status: %q is none of %s", i.Status, strings.Join(statuses(), ", "))
	case !slices.Contains(modes(), a.Mode):
		return fmt.Errorf("attributes: the mode %q is none of %s", a.Mode, strings.Join(modes(), ", "))
	case a.Input == nil && a.ForceInput == nil:
		return errors.New("attributes: there is neither input nor forceinput")
	case a.Description != nil && utf8.RuneCountInString(*a.Description) > maxDescription:
		return fmt.Errorf("attributes: the description has more than %d characters", maxDescription)
	}
	return nil
}
