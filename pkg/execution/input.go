package execution

import (
	"slices"
	"strings"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// The limits of an instance, in characters.
const (
	maxText        = 255
	maxDescription = 4000
)

// created is the status of a new instance.
const created = "created"

// modes and statuses are the values of mode and otStatus.
func modes() []string    { return []string{"ExecAsync", "ExecSync", "Subscription"} }
func statuses() []string { return []string{created, "pulling", "deployed", "error", "deleted"} }

// ended are the statuses of an instance that runs no more.
func ended() []string { return []string{"error", "deleted"} }

// input is what a body gives. A nil field was missing or null.
type input struct {
	idRef, name, description, mode, user *string
	attributes
}

// parse reads the fields that a create and an update share. Errors are noted
// in f.
func parse(f *httpjson.Fields) input {
	in := input{
		idRef:       required(f, "idRef"),
		name:        required(f, "name"),
		description: f.String("description", maxDescription),
		mode:        required(f, "mode"),
		user:        user(f),
		attributes: attributes{
			Input: f.Raw("input"), ForceInput: f.Raw("forceinput"), Output: f.Raw("output"), Logging: f.Raw("logging"),
		},
	}
	oneOf(f, "mode", in.mode, modes())
	if in.Input == nil && in.ForceInput == nil {
		f.Reject("input", "is required")
	}
	return in
}

// user reads the user, who must be given except where forceinput is.
func user(f *httpjson.Fields) *string {
	if f.Raw("user") == nil && f.Raw("forceinput") != nil {
		return nil
	}
	return required(f, "user")
}

// required reads a text that must be given.
func required(f *httpjson.Fields, field string) *string {
	if f.Raw(field) == nil {
		f.Reject(field, "is required")
		return nil
	}
	text := f.String(field, maxText)
	if text != nil && strings.TrimSpace(*text) == "" {
		f.Reject(field, "must not be blank")
		return nil
	}
	return text
}

// oneOf notes where a text is none of the values.
func oneOf(f *httpjson.Fields, field string, text *string, values []string) {
	if text != nil && !slices.Contains(values, *text) {
		f.Reject(field, "must be one of "+strings.Join(values, ", "))
	}
}

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
