package bolt

import (
	"context"
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/repository"
)

const (
	// jump is how long a registry is unused before its clock may be wrong.
	jump = 30 * 24 * time.Hour
	// jumpLasts is how long a clock that has jumped may be wrong: a bit less
	// than the day between two cleanups.
	jumpLasts = 23 * time.Hour
	// useStep is how exactly it is known when a registry was last used, so that
	// few writes have to store it.
	useStep = time.Hour
)

// use is when the file was last used, and the last jump of the clock.
type use struct {
	last time.Time
	// from and to are the times around the jump, or zero.
	from, to time.Time
}

// at returns u after a use at now. A jump that turns out to have been an error
// of the clock is forgotten.
func (u use) at(now time.Time) use {
	age := now.Sub(u.last)
	switch {
	case age.Abs() < useStep:
		return u
	case age > jump:
		u.from, u.to = u.last, now
	case now.Before(u.to):
		u.from, u.to = time.Time{}, time.Time{}
	}
	u.last = now
	return u
}

// useKey is where the use is kept among the formats.
func useKey() []byte { return []byte("use") }

// noteUse notes that the file is used now, unless that is known.
func noteUse(tx *bbolt.Tx, now time.Time) (use, error) {
	before, stored, err := loadUse(tx, now)
	if err != nil {
		return use{}, err
	}
	after := before.at(now)
	if stored && after == before {
		return after, nil
	}
	return after, after.put(tx)
}

// loadUse returns the use of the file, and whether it is stored. Where it is
// not, as in a new file and in one that an earlier program wrote, the last
// event that is due to expire tells.
func loadUse(tx *bbolt.Tx, now time.Time) (u use, stored bool, err error) {
	value := bucket(tx, formatBucket).Get(useKey())
	switch {
	case value == nil:
		last, err := lastEvent(tx)
		if err != nil || !last.IsZero() {
			return use{last: last}, false, err
		}
		return use{last: now}, false, nil
	case len(value) != 3*numberSize:
		return use{}, false, damaged("the record of the last use has %d bytes", len(value))
	}
	for _, t := range []*time.Time{&u.last, &u.from, &u.to} {
		*t, value = cutTime(value)
	}
	return u, true, nil
}

func (u use) put(tx *bbolt.Tx) error {
	var value []byte
	for _, t := range []time.Time{u.last, u.from, u.to} {
		value = appendTime(value, t)
	}
	return bucket(tx, formatBucket).Put(useKey(), value)
}

// lastEvent returns the time of the event that expires last, or zero.
func lastEvent(tx *bbolt.Tx) (time.Time, error) {
	cursor := bucket(tx, expiriesBucket).Cursor()
	for entry, _ := cursor.Last(); entry != nil; entry, _ = cursor.Prev() {
		expires := cutExpiry(entry)
		value := expires.records(tx).Get(expires.key)
		if !expires.history || value == nil {
			continue
		}
		var e eventRecord
		if err := json.Unmarshal(value, &e); err != nil {
			return time.Time{}, damaged("%w", err)
		}
		return time.UnixMilli(e.At).UTC(), nil
	}
	return time.Time{}, nil
}

// CheckClock notes that the registry is used now. Where that is more than 30
// days after it was last used, by a write or by a call of this, the clock may
// be wrong: from then on for nearly a day, CheckClock returns the jump, unless
// the clock is set back. With trusted, the clock counts as right at once.
func (r *Repository) CheckClock(ctx context.Context, now time.Time, trusted bool) (repository.ClockJump, error) {
	now = kept(now)
	var found repository.ClockJump
	err := r.write(ctx, "check the clock", func(tx *bbolt.Tx) error {
		found = repository.ClockJump{}
		u, err := noteUse(tx, now)
		switch until := u.to.Add(jumpLasts); {
		case err != nil || u.to.IsZero():
			return err
		case trusted:
			u.from, u.to = time.Time{}, time.Time{}
			return u.put(tx)
		case now.Before(until):
			found = repository.ClockJump{From: u.from, To: u.to, Until: until}
		}
		return nil
	})
	return found, err
}
