package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// writeLayout4 makes the file of which testdata/layout4.txt has the buckets with
// their sequences, and the entries with their checksums, as the last program of
// layout 4 wrote them.
func writeLayout4(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile("testdata/layout4.txt")
	if err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		var b *bbolt.Bucket
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "\t") {
				var key, value string
				_, scanErr := fmt.Sscanf(line, "%q %q", &key, &value)
				if err := errors.Join(scanErr, b.Put([]byte(key), []byte(value))); err != nil {
					return err
				}
				continue
			}
			var name string
			var sequence uint64
			_, scanErr := fmt.Sscan(line, &name, &sequence)
			var err error
			b, err = tx.CreateBucket([]byte(name))
			if err := errors.Join(scanErr, err, b.SetSequence(sequence)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Texts of a file of layout 4 are found as they are folded today. Instances whose
// codes have become equal are reported, and keep them until each has left it.
func TestLayout4(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	writeLayout4(t, path)
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	kind := instance.Kind{Name: "old", Order: instance.OrderNumber}
	ctx, change := t.Context(), instance.Change{By: "key", Owner: "o", At: now, Operation: "write"}
	equal := ""
	options := Options{NoSync: true, Now: func() time.Time { return now }, HistoryRetention: time.Hour, EqualCodes: func(of []instance.Instance) {
		for _, i := range of {
			equal += i.Key().String() + " " + i.Code + ", "
		}
	}}
	for _, want := range []string{"old 2 ilik, old 3 ılık, old 4 İSTANBUL, old 5 istanbul, ", ""} {
		equal = ""
		r, err := Open(path, options)
		if err != nil {
			t.Fatal(err)
		}
		if equal != want {
			t.Errorf("the codes that are equal are of %s, want %s", equal, want)
		}
		if report, err := r.Check(ctx, []instance.Kind{kind}); err != nil || len(report.Problems) > 0 || report.Instances != 6 ||
			report.Deleted != 1 || report.Events != 8 || report.Answers != 7 || report.Credentials != 1 {
			t.Errorf("report is %+v, %v", report, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })

	ids := func(q instance.Query) (ids string) {
		q.Kind = kind
		for _, i := range all(t, r.Search(ctx, q)) {
			ids += i.ID
		}
		return ids
	}
	for _, test := range []struct {
		query instance.Query
		want  string
	}{
		{instance.Query{Code: "ILIK"}, "23"},
		{instance.Query{Code: "ılik", Name: "Lı"}, "23"},
		{instance.Query{Code: "istanbul", Limit: 1}, "4"},
		{instance.Query{Code: "ıstanbul"}, "45"},
		{instance.Query{Code: "ΚΑΙ"}, "6"},
		{instance.Query{Group: "Ilık group"}, "23"},
		{instance.Query{SubGroup: "İstanbul sub", Status: "up"}, "45"},
		{instance.Query{Name: "LİK"}, "23"},
		{instance.Query{Name: "Ι"}, "6"},
		{instance.Query{Name: "name"}, "123456"},
		{instance.Query{}, "123456"},
	} {
		if got := ids(test.query); got != test.want {
			t.Errorf("%+v finds %s, want %s", test.query, got, test.want)
		}
	}

	key := func(id string) instance.Key { return instance.Key{Kind: kind, Collection: instance.Block(1), ID: id} }
	recode := func(id, code string) error {
		_, err := r.Update(ctx, key(id), change, func(i instance.Instance) (instance.Instance, error) {
			i.Code, i.Name = code, i.Name+"!"
			return i, nil
		})
		return err
	}
	taken := func(when string, want error) {
		t.Helper()
		if err := recode("1", "Ilik"); !errors.Is(err, want) {
			t.Errorf("%s the error is %v, want %v", when, err, want)
		}
	}
	taken("while two have it", instance.ErrCodeTaken)
	if err := errors.Join(recode("2", "İLIK"), recode("3", "ılık"), r.Delete(ctx, key("2"), change, nil)); err != nil {
		t.Error(err)
	}
	taken("while one has it", instance.ErrCodeTaken)
	if got := ids(instance.Query{Code: "ilik"}); got != "3" {
		t.Errorf("the code finds %s", got)
	}
	if _, err := r.Restore(ctx, key("2"), change); !errors.Is(err, instance.ErrCodeTaken) {
		t.Errorf("error is %v, want %v", err, instance.ErrCodeTaken)
	}
	if err := recode("3", "other"); err != nil {
		t.Error(err)
	}
	taken("when nobody has it", nil)
	if report, err := r.Check(ctx, []instance.Kind{kind}); err != nil || len(report.Problems) > 0 {
		t.Errorf("report is %+v, %v", report, err)
	}
}
