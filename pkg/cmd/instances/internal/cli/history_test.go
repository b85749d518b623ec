package cli

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// fillHistory changes a topology instance a few times.
func fillHistory(t *testing.T, r repository, c *clock) {
	f := &filler{t, r, c}
	key := f.topology("1", instance.Instance{Code: "ONE", Name: "One", Owner: "team"})
	c.advance(time.Hour)
	f.update(key, "patch", func(i *instance.Instance) {
		i.Name, i.Active = "Renamed", true
		i.Attributes = json.RawMessage(`{"description":"` + strings.Repeat("long ", 20) + `"}`)
	})
	c.advance(time.Hour)
	f.update(key, "replace", func(i *instance.Instance) {
		i.Code = ""
		i.Attributes = json.RawMessage(`{"description":"short","environments":[` + strings.Repeat("101,", 30) + `102]}`)
	})
	c.advance(time.Hour)
	f.delete(key)
	f.compute("agent", instance.Instance{Name: "Box"})
}

func TestHistory(t *testing.T) {
	everywhere(t, fillHistory, func(t *testing.T, s *somewhere) {
		whole := s.run(t, "history", "topology", "1")
		wantOutput(t, whole, `
2025-03-01T15:00:00Z  delete   ci, version 3
2025-03-01T14:00:00Z  replace  ci, version 3
    code: "ONE" → -
    description: "long long long long long long long long long long long long long long l… → "short"
    environments: - → [101,101,101,101,101,101,101,101,101,101,101,101,101,101,101,101,101,101,101,…
2025-03-01T13:00:00Z  patch    ci, version 2
    active: false → true
    description: - → "long long long long long long long long long long long long long long long lo…
    name: "One" → "Renamed"
2025-03-01T12:00:00Z  create   ci, version 1
    active: - → false
    code: - → "ONE"
    name: - → "One"
    owner: - → "team"
`)
		if whole.stderr != "" {
			t.Errorf("stderr %q", whole.stderr)
		}
		wantOutput(t, s.run(t, "history", "compute", boxID, "--owner", "agent"), `
2025-03-01T15:00:00Z  create   ci, version 1
    active: - → false
    name: - → "Box"
    owner: - → "agent"
`)
		wantFailure(t, s.run(t, "history", "compute", boxID, "--owner", "other"), exitFailed,
			"there is no compute instance "+boxID+" of the owner other, and no history of one")

		// Page by page it is the same.
		var paged string
		line := []string{"history", "topology", "1", "--limit", "3"}
		got := s.run(t, line...)
		paged += got.stdout
		next := regexp.MustCompile(`^There is more: continue with --cursor (\S+)\n$`).FindStringSubmatch(got.stderr)
		if next == nil {
			t.Fatalf("no cursor in %+v", got)
		}
		got = s.run(t, append(line, "--cursor", next[1])...)
		paged += got.stdout
		if got.code != exitOK || got.stderr != "" || paged != whole.stdout {
			t.Errorf("pages %+v\n%s", got, paged)
		}
		wantFailure(t, s.run(t, "history", "topology", "2", "--cursor", next[1]), exitUsage, "--cursor: not one of the history of this instance")

		// As JSON, nothing is cut, and the cursor is part of it.
		read := func(args ...string) historyJSON {
			t.Helper()
			got := s.run(t, append([]string{"history", "topology", "1", "--output", "json"}, args...)...)
			var page historyJSON
			if err := json.Unmarshal([]byte(got.stdout), &page); err != nil || got.code != exitOK || got.stderr != "" {
				t.Fatalf("%v in %+v", err, got)
			}
			return page
		}
		all := read()
		if all.Next != nil || len(all.History) != 4 {
			t.Fatalf("%+v", all)
		}
		e := all.History[1]
		if e.By != "ci" || e.Owner != "team" || e.RequestID != "request-1" || e.Operation != "replace" || e.Version != 3 || e.Incarnation == "" {
			t.Errorf("%+v", e)
		}
		var description instance.FieldChange
		for _, c := range e.Changes {
			if c.Field == "description" {
				description = c
			}
		}
		if want := `"` + strings.Repeat("long ", 20) + `"`; string(description.Old) != want || string(description.New) != `"short"` {
			t.Errorf("%s to %s", description.Old, description.New)
		}

		var events []eventJSON
		page := read("--limit", "1")
		for events = page.History; page.Next != nil && len(events) < 9; events = append(events, page.History...) {
			page = read("--limit", "1", "--cursor", *page.Next)
		}
		if !slices.EqualFunc(events, all.History, func(a, b eventJSON) bool { return a.At.Equal(b.At) && a.Operation == b.Operation }) {
			t.Errorf("pages %+v", events)
		}

		// An instance whose records are past their time still is one.
		s.clock.advance(fixtureRetention)
		got = s.run(t, "history", "compute", boxID, "--owner", "agent", "--output", "json")
		wantOutput(t, got, "{\n  \"history\": [],\n  \"next\": null\n}\n")
		got = s.run(t, "history", "compute", boxID, "--owner", "agent")
		if got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "no records") {
			t.Errorf("%+v", got)
		}
	})
}
