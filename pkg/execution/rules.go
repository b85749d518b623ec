package execution

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"instances/pkg/instance"
)

// apply returns i with what in gives, and user where it gives none.
func (in input) apply(i instance.Instance, user string, start *int64, dockerID *string) (instance.Instance, error) {
	i.Group, i.Name, i.SubGroup = *in.idRef, *in.name, user
	if in.user != nil {
		i.SubGroup = *in.user
	}
	a := in.attributes
	a.Description, a.Mode, a.Start, a.DockerID = in.description, *in.mode, start, dockerID
	return withAttributes(i, a)
}

// replace returns i as the body describes it, from that time on.
func (u update) replace(i instance.Instance, at time.Time) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	if u.start == nil {
		u.start = a.Start
	}
	if u.dockerID == nil {
		u.dockerID = a.DockerID
	}
	if u.otStatus != nil {
		i.Status = *u.otStatus
	}
	i.IdleSince = idleSince(i, at)
	return u.apply(i, i.SubGroup, u.start, u.dockerID)
}

// idleSince returns since when i has been idle: since it ended, or zero while
// it has not. A time in the future, which a clock that was ahead has left,
// counts as now.
func idleSince(i instance.Instance, at time.Time) time.Time {
	switch {
	case !slices.Contains(ended(), i.Status):
		return time.Time{}
	case i.IdleSince.IsZero() || i.IdleSince.After(at):
		return at.UTC().Truncate(time.Millisecond)
	}
	return i.IdleSince
}

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

// modes and statuses are the values of mode and otStatus.
func modes() []string { return []string{"ExecAsync", "ExecSync", "Subscription"} }

func statuses() []string { return []string{created, "pulling", "deployed", "error", "deleted"} }

// ended are the statuses of an instance that runs no more.
func ended() []string { return []string{"error", "deleted"} }
