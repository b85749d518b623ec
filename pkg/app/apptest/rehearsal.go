package apptest

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"instances/pkg/gateway"
	"instances/pkg/internal/dev"
	"instances/pkg/rehearsal"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

// FunctionsVariable is the environment variable that holds the folder of the
// functions where they are built already, as make test does; otherwise each
// test builds what is out of date.
const FunctionsVariable = "INSTANCES_TEST_FUNCTIONS"

// Everywhere runs test as [Each] does, and in the rehearsal: on the binaries
// that get deployed, as processes over the Lambda Runtime API, on a table of
// DynamoDB Local.
func Everywhere(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	Each(t, test)
	t.Run("rehearsal", func(t *testing.T) {
		t.Parallel()
		s, _ := NewRehearsal(t)
		test(t, s)
	})
}

// Functions returns the folder of the functions' binaries.
func Functions(t testing.TB) string {
	t.Helper()
	if folder := os.Getenv(FunctionsVariable); folder != "" {
		return folder
	}
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := rehearsal.Build(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// NewRehearsal serves the API on the rehearsal. It also returns the functions,
// to be invoked without the gateway.
func NewRehearsal(t testing.TB) (*Server, *rehearsal.Functions) {
	t.Helper()
	table := dynamotest.NewTable(t)
	tmpl := dynamotest.Template(t, template.With("Table", table.Name))
	environment := table.Environment()
	environment["AWS_LAMBDA_LOG_LEVEL"] = "ERROR"
	functions, err := rehearsal.New(t.Context(), rehearsal.Options{
		Template: tmpl, Folder: Functions(t), Environment: environment, Output: logWriter{t},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(functions.Close)
	handler, err := gateway.New(tmpl, functions, gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	clock := new(Clock)
	r := dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: clock.Now})
	return &Server{Repository: r, Clock: clock, handler: handler}, functions
}

// pin says which time stands for those from since on.
type pin struct{ since, at time.Time }

// Pin sets the clock to a time. In the rehearsal, whose clock cannot be set,
// the times from now on that answers show are replaced by that one instead,
// so that the same answers are right everywhere.
func (s *Server) Pin(at time.Time) {
	if !s.Clock.real() {
		s.Clock.Advance(at.Sub(s.Clock.Now()))
		return
	}
	s.pins = append(s.pins, pin{s.Clock.Now(), at})
}

// pinned replaces the times of a body: numbers of milliseconds, and seconds
// as the compute API writes them.
func (s *Server) pinned(body string) string {
	if len(s.pins) == 0 {
		return body
	}
	const layout = "02-01-2006 15:04:05"
	replace := func(shown time.Time, precision time.Duration) (time.Time, bool) {
		for _, p := range slices.Backward(s.pins) {
			if !shown.Before(p.since.Truncate(precision)) && !shown.After(s.Clock.Now()) {
				return p.at, true
			}
		}
		return time.Time{}, false
	}
	return regexp.MustCompile(`\b\d{13}\b|\d{2}-\d{2}-\d{4} \d{2}:\d{2}:\d{2}`).ReplaceAllStringFunc(body, func(text string) string {
		if shown, err := time.Parse(layout, text); err == nil {
			if at, ok := replace(shown, time.Second); ok {
				return at.Format(layout)
			}
		} else if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			if at, ok := replace(time.UnixMilli(ms), time.Millisecond); ok {
				return strconv.FormatInt(at.UnixMilli(), 10)
			}
		}
		return text
	})
}
