package bolt

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// dueRepository has due of everything to clean up before the returned time,
// and others that are not due. The others are of a later day.
func dueRepository(tb testing.TB, due, others int) (*Repository, time.Time) {
	tb.Helper()
	asOf := time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	r := openTest(tb, Options{HistoryRetention: time.Hour})
	write := func(tx *bbolt.Tx, n int, at time.Time) error {
		id := strconv.Itoa(n)
		i := instance.Instance{
			Kind: dueKind(), Collection: strconv.Itoa(n % 10), ID: id, Version: 1, Incarnation: id, IdleSince: at,
		}
		change := instance.Change{At: at.Add(-time.Hour)}
		c := auth.Credential{Name: id, Owner: "o", Hash: auth.Hash(id), ExpiresAt: at}
		deleted := i
		deleted.ID += "deleted"
		return errors.Join(
			put(tx, i), r.record(tx, i, change, nil),
			trash(tx, deleted, instance.Change{At: at}),
			recordAnswer(tx, &instance.Idempotency{Key: id, Answer: func(instance.Instance) ([]byte, error) { return nil, nil }, ExpiresAt: at}, i),
			moveEntry(bucket(tx, endingsBucket), nil, ending(c)), putCredential(tx, c),
		)
	}
	if err := r.file.update(func(tx *bbolt.Tx) error {
		for n := range due + others {
			at := asOf.Add(-time.Second)
			if n >= due {
				at = asOf.Add(time.Duration(n) * time.Minute)
			}
			if err := write(tx, n, at); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	return r, asOf
}

func dueKind() instance.Kind { return instance.Kind{Name: "due"} }

// countDue counts what is due before the time of everything.
func countDue(tb testing.TB, r *Repository, before time.Time) (count int, errs error) {
	tb.Helper()
	ctx := tb.Context()
	for _, err := range r.Deleted(ctx, dueKind(), before) {
		count++
		errs = errors.Join(errs, err)
	}
	for _, err := range r.Idle(ctx, dueKind(), before) {
		count++
		errs = errors.Join(errs, err)
	}
	for _, err := range r.EndedCredentials(ctx, before) {
		count++
		errs = errors.Join(errs, err)
	}
	expired, err := r.Tidy(ctx, nil, before.Add(-time.Millisecond), 0)
	return count + expired, errors.Join(errs, err)
}

// What is not due is not even looked at: that it is damaged goes unnoticed.
func TestOnlyWhatIsDue(t *testing.T) {
	t.Parallel()
	const due, others = 10, 300
	r, asOf := dueRepository(t, due, others)
	later := asOf.AddDate(1, 0, 0)
	if n, err := countDue(t, r, later); err != nil || n != 5*(due+others) {
		t.Fatalf("%d are due later, %v, want %d", n, err, 5*(due+others))
	}
	if err := r.write(t.Context(), "damage", func(tx *bbolt.Tx) error {
		for _, name := range []string{instancesBucket, trashBucket, historyBucket, idempotencyBucket, credentialsBucket} {
			b := bucket(tx, name)
			var keys [][]byte
			if err := b.forEach(func(key, value []byte) error {
				if soundBefore(name, key, value, asOf) {
					return nil
				}
				keys = append(keys, append([]byte(nil), key...))
				return nil
			}); err != nil {
				return err
			}
			if len(keys) != others {
				t.Errorf("%d of %s are not due, want %d", len(keys), name, others)
			}
			for _, key := range keys {
				if err := b.Put(key, []byte("damaged")); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := countDue(t, r, asOf); err != nil || n != 5*due {
		t.Errorf("%d are due, %v, want %d", n, err, 5*due)
	}
	if _, err := countDue(t, r, later); !errors.Is(err, ErrDamaged) {
		t.Errorf("error is %v, want %v", err, ErrDamaged)
	}
	if got, err := r.Tidy(t.Context(), nil, asOf.Add(-time.Millisecond), 100); err != nil || got != 2*due {
		t.Errorf("removed are %d, %v, want %d", got, err, 2*due)
	}
}

// soundBefore reports whether the record was due before the time.
func soundBefore(name string, key, value []byte, before time.Time) bool {
	switch name {
	case instancesBucket:
		i, err := decode(dueKind(), value)
		return err == nil && i.IdleSince.Before(before)
	case trashBucket:
		_, rest := cutPart(key)
		at, _ := cutTime(rest)
		return at.Before(before)
	case historyBucket, idempotencyBucket:
		at, err := expiry{history: name == historyBucket}.expiryOf(value)
		return err == nil && at.Before(before)
	default:
		c, err := decodeCredential(key, value)
		return err == nil && c.ExpiresAt.Before(before)
	}
}

// An answer that was given again leaves an expiry, which goes with a purge and
// takes nothing along.
func TestStaleExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	r := openTest(t, Options{Now: func() time.Time { return now }})
	for n, expires := range []time.Time{now, now.Add(-time.Hour), now.Add(time.Hour)} {
		i := instance.Instance{Kind: dueKind(), Collection: "c", ID: strconv.Itoa(n), Version: 1}
		idem := &instance.Idempotency{Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return nil, nil }, ExpiresAt: expires}
		if err := r.Create(t.Context(), i, instance.Change{At: now}, idem); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, r, map[string]int{expiriesBucket: 3, idempotencyBucket: 1})
	if got, err := r.Tidy(t.Context(), nil, now, 10); err != nil || got != 0 {
		t.Errorf("removed are %d, %v", got, err)
	}
	wantKeys(t, r, map[string]int{expiriesBucket: 1, idempotencyBucket: 1})
	if got, err := r.Tidy(t.Context(), nil, now.Add(time.Hour), 10); err != nil || got != 1 {
		t.Errorf("removed are %d, %v", got, err)
	}
	wantKeys(t, r, map[string]int{expiriesBucket: 0, idempotencyBucket: 0})
}

// No transaction of a sequence holds many answers, or big ones, in memory.
func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ stored, size, parts int }{
		"many": {3 * batchSize, 0, 3},
		"big":  {30, batchBytes / 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openTest(t, Options{})
			if err := r.file.update(func(tx *bbolt.Tx) error {
				for n := range test.stored {
					i := instance.Instance{Kind: dueKind(), ID: strconv.Itoa(n), Attributes: make([]byte, test.size)}
					if err := trash(tx, i, instance.Change{}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			before := r.file.db.Stats()
			if n := len(all(t, r.Deleted(t.Context(), dueKind(), time.Time{}))); n != test.stored {
				t.Errorf("%d are deleted, want %d", n, test.stored)
			}
			after := r.file.db.Stats()
			if n := after.Sub(&before).TxN; n < test.parts {
				t.Errorf("%d transactions, want %d or more", n, test.parts)
			}
		})
	}
}

// A day's entries of the index of idle instances are looked at as one.
func TestHeartbeatsOfOneDay(t *testing.T) {
	t.Parallel()
	r, asOf := dueRepository(t, 1, 0)
	key := instance.Key{Kind: dueKind(), Collection: "0", ID: "0"}
	entry := func() (only string) {
		if err := r.view(t.Context(), "index", func(tx *bbolt.Tx) error {
			return bucket(tx, idleBucket).forEach(func(key, _ []byte) error {
				if only != "" {
					t.Error("two entries of one instance")
				}
				only = string(key)
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		return only
	}
	before := entry()
	for _, beat := range []struct {
		after time.Duration
		moves bool
	}{{0, true}, {time.Hour, false}, {24*time.Hour - time.Millisecond, false}, {24 * time.Hour, true}} {
		if err := r.Touch(t.Context(), key, asOf.Add(beat.after)); err != nil {
			t.Fatal(err)
		}
		if after := entry(); (after != before) != beat.moves {
			t.Errorf("the heartbeat after %v moves the entry: %v", beat.after, after != before)
		}
		before = entry()
	}
}

// BenchmarkDue finds what is due, ten of each sort, among few others and many.
func BenchmarkDue(b *testing.B) {
	for _, others := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			r, asOf := dueRepository(b, 10, others)
			for b.Loop() {
				if n, err := countDue(b, r, asOf); err != nil || n != 50 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
