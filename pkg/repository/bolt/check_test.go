package bolt

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// A check finds what does not agree, though every record is as it was written.
func TestCheckAgreement(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	kind := instance.Kind{Name: "checked", Order: instance.OrderNumber}
	timed := instance.Kind{Name: "timed", Order: instance.OrderTime}
	one := instance.Instance{
		Kind: kind, Collection: "c", ID: "1", Code: "C", Group: "G", SubGroup: "S", Name: "N", Status: "U", Version: 1,
		Incarnation: "1", IdleSince: at,
	}
	imported := instance.Instance{Kind: timed, Collection: "c", ID: "imported", Version: 1, Incarnation: "2"}
	gone := instance.Instance{Kind: kind, Collection: "c", ID: "2", Code: "D", Version: 1, Incarnation: "3"}
	fill := func(t *testing.T) *Repository {
		r := openTest(t, Options{HistoryRetention: time.Hour, Now: func() time.Time { return at }})
		ctx, change := t.Context(), instance.Change{At: at}
		idem := &instance.Idempotency{Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return nil, nil }, ExpiresAt: at.Add(time.Hour)}
		for _, err := range []error{
			r.Create(ctx, one, change, idem), r.Create(ctx, imported, change, nil),
			r.Create(ctx, gone, change, nil), r.Delete(ctx, gone.Key(), change, nil, nil),
			r.CreateCredential(ctx, auth.Credential{Name: "n", Owner: "o", Hash: "hash", CreatedAt: at, ExpiresAt: at}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return r
	}
	report, err := fill(t).Check(t.Context(), []instance.Kind{kind, timed})
	if err != nil || len(report.Problems) > 0 || report.Instances != 2 || report.Deleted != 1 || report.Events != 4 ||
		report.Answers != 1 || report.Credentials != 1 {
		t.Errorf("report is %+v, %v", report, err)
	}

	// Without any of the entries of one of these, something is missing.
	for _, name := range []string{
		pointersBucket, codesBucket, groupsBucket, subGroupsBucket, statusesBucket, labelsBucket, idleBucket, trashedBucket,
		expiriesBucket, sequencesBucket, credentialsBucket, ownersBucket, endingsBucket,
	} {
		t.Run("without "+name, func(t *testing.T) {
			t.Parallel()
			wantProblem(t, fill(t), []instance.Kind{kind, timed}, "", func(tx *bbolt.Tx) error {
				c := bucket(tx, name).b.Cursor()
				for key, _ := c.First(); key != nil; key, _ = c.First() {
					if err := c.Delete(); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	// With another entry, that one leads nowhere or elsewhere.
	other := one
	other.ID, other.Name = "3", "Other"
	for problem, do := range map[string]func(tx *bbolt.Tx) error{
		`unknown kind "other"`: func(tx *bbolt.Tx) error {
			return bucket(tx, historyBucket).Put(parts("other", "c", "1"), []byte("{}"))
		},
		"checked 3 is stored in the place of another": func(tx *bbolt.Tx) error {
			return bucket(tx, instancesBucket).Put(instanceKey(one), encode(other))
		},
		"not found by what it is called": func(tx *bbolt.Tx) error {
			record := encode(one)
			return bucket(tx, instancesBucket).Put(instanceKey(one), bytes.Replace(record, []byte("G"), []byte("H"), 1))
		},
		"codes has 1 entries that lead nowhere": func(tx *bbolt.Tx) error {
			return bucket(tx, codesBucket).Put(parts(kind.Name, "E", "c", one.SortKey()), nil)
		},
		"statuses has 1 entries that lead nowhere": func(tx *bbolt.Tx) error {
			return bucket(tx, statusesBucket).Put(parts(kind.Name, "V", "c", one.SortKey()), nil)
		},
		"labels has 1 entries that lead nowhere": func(tx *bbolt.Tx) error {
			return setLabel(tx, kind, positionOf(other), "OTHER")
		},
		"checked 1 is not found by its name": func(tx *bbolt.Tx) error {
			return setLabel(tx, kind, positionOf(one), "OTHER")
		},
		"its entry in pointers leads elsewhere": func(tx *bbolt.Tx) error {
			return bucket(tx, pointersBucket).Put(idKey(imported.Key()), []byte("other"))
		},
		"checked 1 has version 1, and its history version 7": func(tx *bbolt.Tx) error {
			return bucket(tx, historyBucket).Put(appendNumber(idKey(one.Key()), 1), []byte(`{"incarnation":"1","version":7}`))
		},
		"history: the number 99 may be given out again": func(tx *bbolt.Tx) error {
			return bucket(tx, historyBucket).Put(appendNumber(idKey(one.Key()), 99), []byte(`{}`))
		},
		"a record in its history cannot be read": func(tx *bbolt.Tx) error {
			return bucket(tx, historyBucket).Put(appendNumber(idKey(one.Key()), 1), []byte(`{`))
		},
		`the name "n" leads to no key`: func(tx *bbolt.Tx) error {
			return bucket(tx, namesBucket).Put(parts("n"), []byte("other"))
		},
		"record in documents does not match its checksum": func(tx *bbolt.Tx) error {
			return bucket(tx, documentsBucket).b.Put([]byte("key"), []byte("a value and no checksum"))
		},
	} {
		t.Run(problem, func(t *testing.T) {
			t.Parallel()
			wantProblem(t, fill(t), []instance.Kind{kind, timed}, problem, do)
		})
	}
}

// wantProblem does something to a file, and checks that a check says so.
func wantProblem(t *testing.T, r *Repository, kinds []instance.Kind, problem string, do func(tx *bbolt.Tx) error) {
	t.Helper()
	if err := r.file.update(do); err != nil {
		t.Fatal(err)
	}
	report, err := r.Check(t.Context(), kinds)
	if err != nil || len(report.Problems) == 0 || !strings.Contains(strings.Join(report.Problems, "\n"), problem) {
		t.Errorf("report is %q, %v", report.Problems, err)
	}
}
