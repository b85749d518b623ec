package execution

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"instances/pkg/httpjson"
)

// The limits of an instance, in characters.
const (
	maxText        = 255
	maxDescription = 4000
)

// created is the status of a new instance.
const created = "created"

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
	text := f.Line(field, maxText)
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

// update is a body that replaces an instance. A nil field was not sent: what
// is stored stays.
type update struct {
	id string
	input
	otStatus, dockerID *string
	start              *int64
}

// parseUpdate reads the body of an update.
func parseUpdate(members map[string]json.RawMessage) (update, error) {
	f := httpjson.NewFields(members)
	id := required(f, "id")
	u := update{
		input:    parse(f),
		otStatus: f.String("otStatus", maxText),
		dockerID: f.Line("dockerId", maxText),
		start:    f.Integer("start"),
	}
	oneOf(f, "otStatus", u.otStatus, statuses())
	if err := f.Err(); err != nil {
		return update{}, err
	}
	u.id = *id
	return u, nil
}

// newInstanceID returns the id that a body gives, or a random one.
func newInstanceID(f *httpjson.Fields) string {
	id := f.String("id", maxText)
	if id == nil || *id == "" {
		return uuid.NewString()
	}
	switch {
	case !validID(*id):
		f.Reject("id", "must be 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'")
	case *id == "." || *id == "..":
		f.Reject("id", "must not be . or .., which clients remove from paths")
	}
	return *id
}
