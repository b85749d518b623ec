package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// fillTrash deletes instances of each kind, an hour between two.
func fillTrash(t *testing.T, r repository, c *clock) {
	f := &filler{t, r, c}
	one := f.topology("1", instance.Instance{Code: "ONE", Name: "One", Owner: "team", Active: true})
	two := f.topology("2", instance.Instance{Code: "TWO", Name: "\x1b[2J" + strings.Repeat("long ", 10), Owner: "team"})
	three := f.topology("3", instance.Instance{Name: "Three"})
	box := f.compute("agent", instance.Instance{Name: "Box"})
	other := f.compute("other", instance.Instance{Name: "Other"})
	demo := f.execution("demo", instance.Instance{Name: "Demo", Owner: "engine"})
	// Not in the order of the ids.
	for _, key := range []instance.Key{two, one, three, box, other, demo} {
		c.advance(time.Hour)
		f.delete(key)
	}
	f.topology("4", instance.Instance{Code: "two", Name: "Four"})
	f.execution("demo", instance.Instance{Name: "Later", Owner: "engine"})
	c.advance(30 * time.Hour)
}

// What was deleted is listed, and comes back unless something took its place. The
// records of a command are kept for as long as it is told to, but for what the
// process that serves the folder keeps them.
func TestRestore(t *testing.T) {
	everywhere(t, fillTrash, func(t *testing.T, s *somewhere) {
		wantOutput(t, s.run(t, "deleted", "topology"), `
ID  OWNER  NAME                                      CODE  DELETED               AGE
2   team   \u001b[2Jlong long long long long long …  TWO   2025-03-01T13:00:00Z  1d11h
1   team   One                                       ONE   2025-03-01T14:00:00Z  1d10h
3   -      Three                                     -     2025-03-01T15:00:00Z  1d9h
`)
		wantOutput(t, s.run(t, "deleted", "compute"), `
ID                                    OWNER  NAME   CODE  DELETED               AGE
01890a5d-ac96-774b-bcce-b302099a8057  agent  Box    -     2025-03-01T16:00:00Z  1d8h
01890a5d-ac96-774b-bcce-b302099a8057  other  Other  -     2025-03-01T17:00:00Z  1d7h
`)
		wantOutput(t, s.run(t, "deleted", "compute", "--owner", "other", "--output", "json"), `
[
  {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "owner": "other",
    "name": "Other",
    "code": "",
    "version": 1,
    "deleted": "2025-03-01T17:00:00Z"
  }
]
`)
		wantOutput(t, s.run(t, "deleted", "execution", "--owner", "nobody", "--output", "json"), "[]\n")
		if got := s.run(t, "deleted", "topology", "--output", "json"); !strings.Contains(got.stdout, `"\u001b[2Jlong long long long long long long long long long "`) {
			t.Errorf("the whole name is not in %+v", got)
		}

		got := s.run(t, "restore", "topology", "1", "--history-retention", "2d")
		wantOutput(t, got, `
ID  OWNER  NAME  CODE  VERSION
1   team   One   ONE   2
`)
		if got.stderr != "Restored the topology instance 1.\n" {
			t.Errorf("stderr %q", got.stderr)
		}
		wantOutput(t, s.run(t, "restore", "compute", strings.ToUpper(boxID), "--owner", "agent", "--output", "json"), `
{
  "kind": "compute",
  "id": "01890a5d-ac96-774b-bcce-b302099a8057",
  "owner": "agent",
  "name": "Box",
  "code": "",
  "version": 2
}
`)
		if got := s.run(t, "deleted", "compute"); strings.Contains(got.stdout, "agent") || !strings.Contains(got.stdout, "other") {
			t.Errorf("%+v", got)
		}

		wantFailure(t, s.run(t, "restore", "topology", "1"), exitFailed, "the topology instance 1 is not deleted")
		wantFailure(t, s.run(t, "restore", "topology", "99"), exitFailed,
			"there is no deleted topology instance 99: instances deleted topology shows all")
		wantFailure(t, s.run(t, "restore", "compute", boxID, "--owner", "nobody"), exitFailed,
			"there is no deleted compute instance "+boxID+" of the owner nobody")
		wantFailure(t, s.run(t, "restore", "execution", "demo"), exitFailed,
			"the id of the deleted execution instance demo was taken since: an instance of that id exists; nothing was changed")
		wantFailure(t, s.run(t, "restore", "topology", "2"), exitFailed,
			"the code TWO of the deleted topology instance 2 was taken since: the topology instance 4 has it; nothing was changed")
		if got := s.run(t, "deleted", "topology"); strings.Count(got.stdout, "\n") != 3 {
			t.Errorf("%+v", got)
		}

		var page historyJSON
		got = s.run(t, "history", "topology", "1", "--limit", "1", "--output", "json")
		if err := json.Unmarshal([]byte(got.stdout), &page); err != nil || len(page.History) != 1 {
			t.Fatalf("%v in %+v", err, got)
		}
		if e := page.History[0]; e.Operation != "restore" || e.By != "(operator)" || e.Version != 2 || e.RequestID == "" || !e.At.Equal(s.clock.Now()) {
			t.Errorf("%+v", e)
		}

		if got := s.run(t, "restore", "topology", "3", "--history-retention", "0"); got.code != exitOK {
			t.Errorf("%+v", got)
		}
		restores := func(id string) int {
			t.Helper()
			got := s.run(t, "history", "topology", id)
			if got.code != exitOK {
				t.Errorf("%+v", got)
			}
			return strings.Count(got.stdout, "restore")
		}
		s.clock.advance(47 * time.Hour)
		if restores("1") != 1 || restores("3") != 1 {
			t.Error("a record is gone too soon")
		}
		s.clock.advance(time.Hour)
		if got := restores("1"); got == 1 != s.served {
			t.Errorf("%d records after the retention", got)
		}
		s.clock.advance(400 * 24 * time.Hour)
		if got := restores("3"); got == 1 == s.served {
			t.Errorf("%d records after a year", got)
		}
	})
}
