package compute

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// The limits of an instance.
const (
	// maxName is in characters.
	maxName = 255
	// maxParallelJobs is what the server's database could hold.
	maxParallelJobs = math.MaxInt32
)

// The messages of Django REST framework, and of the server's own rules.
const (
	msgRequired      = "This field is required."
	msgNull          = "This field may not be null."
	msgBlank         = "This field may not be blank."
	msgString        = "Not a valid string."
	msgControl       = "Control characters are not allowed."
	msgNumber        = "A valid number is required."
	msgInteger       = "A valid integer is required."
	msgUUID          = "Must be a valid UUID."
	msgPrice         = "The ask price cannot be smaller than $0.001"
	msgGPUNeeded     = "The gpu needs to be provided if the instance is type GPU"
	msgGPUNeedless   = "The gpu is unnecessary because the instance is not, or not gonna be type GPU anymore"
	msgParallel      = "The value is invalid. All GPU instances can only process one job at a time"
	msgParallelValue = "The current set value (%d) is invalid for a GPU instance. Please set it to 1"
)

// input is what a body gives. A nil field was not given.
type input struct {
	name               *string
	askPrice           *json.Number
	kind               *string
	maxNumParallelJobs *int64
	// gpu is empty where the body says that there is none; card is the entry of
	// the catalogue that it names.
	gpu  *string
	card GPU
}

// fields reads the fields of a body, and also knows whether one is given as null.
type fields struct {
	*httpjson.Fields
	members  map[string]json.RawMessage
	required []string
}

// newFields returns a reader of the members of a body, and notes which of those
// required are missing. The others may be null, which counts as not given.
func newFields(members map[string]json.RawMessage, required ...string) fields {
	f := fields{httpjson.NewFields(members), members, required}
	for _, field := range required {
		if _, ok := members[field]; !ok {
			f.Reject(field, msgRequired)
		}
	}
	return f
}

// parse reads a body. It reads the catalogue only where the body names a GPU.
func parse(ctx context.Context, f fields, gpus instance.DocumentReader) (input, error) {
	in := input{
		name:               f.name(),
		askPrice:           f.price(),
		kind:               f.kind(),
		maxNumParallelJobs: f.parallelJobs(),
		gpu:                f.gpu(),
	}
	if valueOr(in.gpu, "") != "" {
		var err error
		if in.card, err = findGPU(ctx, f, gpus, *in.gpu); err != nil {
			return input{}, err
		}
	}
	return in, f.Err()
}

// scalar returns the text of a string or a number; false where the field is
// not given, or not valid.
func (f fields) scalar(field, message string) (string, bool) {
	raw, given := f.members[field]
	if !given {
		return "", false
	}
	var text string
	var number json.Number
	switch {
	case string(raw) == "null":
		if slices.Contains(f.required, field) {
			f.Reject(field, msgNull)
		}
		return "", false
	case json.Unmarshal(raw, &text) == nil:
		return strings.TrimSpace(text), true
	case json.Unmarshal(raw, &number) == nil:
		return number.String(), true
	default:
		f.Reject(field, message)
		return "", false
	}
}

// integral returns the text of a scalar, as an integer where it is a number that
// is one.
func (f fields) integral(field, message string) (string, bool) {
	text, ok := f.scalar(field, message)
	if n, isInteger := httpjson.ParseInteger(text); ok && isInteger && f.members[field][0] != '"' {
		text = strconv.FormatInt(n, 10)
	}
	return text, ok
}

// text reads a text of one line that may not be blank.
func (f fields) text(field string, maxLength int) *string {
	text, ok := f.scalar(field, msgString)
	switch {
	case !ok:
		return nil
	case text == "":
		f.Reject(field, msgBlank)
		return nil
	case utf8.RuneCountInString(text) > maxLength:
		f.Reject(field, fmt.Sprintf("Ensure this field has no more than %d characters.", maxLength))
		return nil
	case strings.ContainsFunc(text, unicode.IsControl):
		f.Reject(field, msgControl)
		return nil
	}
	return &text
}

func (f fields) name() *string { return f.text("name", maxName) }

func (f fields) price() *json.Number {
	text, ok := f.scalar("ask_price", msgNumber)
	if !ok {
		return nil
	}
	price, value, ok := parsePrice(text)
	switch {
	case !ok:
		f.Reject("ask_price", msgNumber)
		return nil
	case value.Cmp(minPrice()) < 0:
		f.Reject("ask_price", msgPrice)
		return nil
	}
	return &price
}

func (f fields) kind() *string {
	text, ok := f.integral("type", msgString)
	if !ok {
		return nil
	}
	switch text {
	case typeCPU, strconv.Itoa(numberCPU):
		text = typeCPU
	case typeGPU, strconv.Itoa(numberGPU):
		text = typeGPU
	default:
		f.Reject("type", fmt.Sprintf("%q is not a valid choice.", text))
		return nil
	}
	return &text
}

func (f fields) parallelJobs() *int64 {
	const field = "max_num_parallel_jobs"
	text, ok := f.integral(field, msgInteger)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		f.Reject(field, msgInteger)
		return nil
	case n < 1:
		f.Reject(field, "Ensure this value is greater than or equal to 1.")
		return nil
	case n > maxParallelJobs:
		f.Reject(field, fmt.Sprintf("Ensure this value is less than or equal to %d.", maxParallelJobs))
		return nil
	}
	return &n
}

// gpu reads a UUID, with or without hyphens. Null, an empty text and what answers show for none all
// say that there is none.
func (f fields) gpu() *string {
	raw, given := f.members["gpu"]
	if !given {
		return nil
	}
	empty := ""
	if string(raw) == "null" {
		return &empty
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		f.Reject("gpu", msgUUID)
		return nil
	}
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) == 32 {
		text = strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
	}
	switch {
	case slices.Contains([]string{"", none}, text):
		return &empty
	case !isUUID(text):
		f.Reject("gpu", msgUUID)
		return nil
	}
	return &text
}

// parseInstance reads a body that describes a complete instance; see parse.
func parseInstance(ctx context.Context, members map[string]json.RawMessage, gpus instance.DocumentReader) (input, error) {
	return parse(ctx, newFields(members, "name", "ask_price"), gpus)
}

// findGPU returns the entry of the catalogue with the uuid, or notes in f that
// there is none.
func findGPU(ctx context.Context, f fields, c instance.DocumentReader, uuid string) (GPU, error) {
	gpus, err := loadGPUs(ctx, c)
	if err != nil {
		return GPU{}, err
	}
	i := slices.IndexFunc(gpus, func(g GPU) bool { return g.UUID == uuid })
	if i < 0 {
		f.Reject("gpu", fmt.Sprintf("Invalid pk %q - object does not exist.", uuid))
		return GPU{}, nil
	}
	return gpus[i], nil
}
