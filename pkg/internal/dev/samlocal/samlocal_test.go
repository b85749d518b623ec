// Package samlocal_test holds the local gateway and `instances invoke` against
// the SAM CLI: the functions as SAM builds them, run by `sam local` in
// containers, must give the same answers.
//
// It needs Docker, and what .ci/sam-local prepares; `make sam-local` runs it.
// The tests of the comparison itself need nothing.
package samlocal_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"instances/pkg/repository/dynamo/dynamotest"
)

// templateVariable is the environment variable with the path of what SAM has
// built for this machine, as .ci/sam-local makes it.
const templateVariable = "INSTANCES_SAM_LOCAL_TEMPLATE"

// Each sample event, and the story of each API, has the same answers in a
// container of `sam local` as elsewhere. Each way has a table of its own, and
// all tables are alike at the start.
func TestSAMLocal(t *testing.T) {
	t.Parallel()
	built := os.Getenv(templateVariable)
	if built == "" {
		t.Skip("NOT COMPARED with sam local: run make sam-local")
	}
	s := newSubject(t)
	tables := make([]dynamotest.Table, ways)
	for i := range tables {
		tables[i] = dynamotest.NewTable(t)
		s.seed(t, tables[i])
	}
	events := newEvents(t, s, built, tables)
	t.Run("placeholders", events.refused)
	// These wait for the one above, since SAM makes the image for all at its
	// first call.
	t.Run("all", func(t *testing.T) {
		for api, samples := range events.byAPI() {
			t.Run("sam local invoke/"+api, func(t *testing.T) {
				t.Parallel()
				for _, e := range samples {
					t.Run(e.function, func(t *testing.T) { events.compare(t, e) })
				}
			})
		}
		t.Run("sam local start-api", func(t *testing.T) {
			t.Parallel()
			newStories(t, s, built).run(t)
		})
	})
	// What is on a schedule looks at everything that the others have left.
	for _, e := range events.scheduled() {
		t.Run("sam local invoke/"+e.function, func(t *testing.T) { events.compare(t, e) })
	}
}

// byAPI returns the samples of requests by the first part of their functions'
// names, in the order in which they make sense one after another.
func (x *events) byAPI() map[string][]sample {
	all := map[string][]sample{}
	for _, e := range x.samples {
		if e.isRequest() {
			api, _, _ := strings.Cut(e.function, "-")
			all[api] = append(all[api], e)
		}
	}
	for _, samples := range all {
		slices.SortStableFunc(samples, func(a, b sample) int { return a.rank() - b.rank() })
	}
	return all
}

// scheduled returns the samples that are no requests.
func (x *events) scheduled() []sample {
	return slices.DeleteFunc(slices.Clone(x.samples), sample.isRequest)
}
