package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository/repositorytest"
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
	ctx := t.Context()
	var equal []string
	options := Options{NoSync: true, Now: func() time.Time { return now }, HistoryRetention: time.Hour, EqualCodes: func(of []instance.Instance) {
		for _, i := range of {
			equal = append(equal, i.Key().String()+" "+i.Code)
		}
	}}
	for _, want := range [][]string{{"old 2 ilik", "old 3 ılık", "old 4 İSTANBUL", "old 5 istanbul"}, nil} {
		equal = nil
		r, err := Open(path, options)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(equal, want) {
			t.Errorf("the codes that are equal are of %q, want %q", equal, want)
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

	repositorytest.Equal(t, r, kind)
	if report, err := r.Check(ctx, []instance.Kind{kind}); err != nil || len(report.Problems) > 0 {
		t.Errorf("report is %+v, %v", report, err)
	}
}
