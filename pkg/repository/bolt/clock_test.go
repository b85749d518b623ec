package bolt_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// clockUse is what happens to a registry at some time.
type clockUse struct {
	// at is how long that is after the first write.
	at  time.Duration
	how string
	// held says that a check finds a jump, which began at jumped.
	held   bool
	jumped time.Duration
}

const day = 24 * time.Hour

// Each use is one of another process, so that nothing but the file tells it
// when the registry was last used.
func TestCheckClock(t *testing.T) {
	t.Parallel()
	const ahead = 400 * day
	for name, uses := range map[string][]clockUse{
		"in use":     {{day, "check", false, 0}, {29 * day, "write", false, 0}, {58 * day, "check", false, 0}, {88 * day, "check", false, 0}},
		"heartbeats": {{29 * day, "touch", false, 0}, {58 * day, "touch", false, 0}, {87 * day, "check", false, 0}},
		"just a month": {
			{30 * day, "check", false, 0},
			{60 * day, "check", false, 0},
		},
		"idle": {
			{31 * day, "check", true, 31 * day},
			{31*day + time.Hour, "check", true, 31 * day},
			{32 * day, "check", false, 0},
			{33 * day, "check", false, 0},
		},
		"ahead": {
			{day, "check", false, 0},
			{ahead, "check", true, ahead},
			{ahead + 22*time.Hour, "check", true, ahead},
			{ahead + 24*time.Hour, "check", false, 0},
		},
		"set right": {
			{ahead, "check", true, ahead},
			{2 * day, "check", false, 0},
			{ahead, "check", true, ahead},
			{2*day + time.Hour, "write", false, 0},
			{ahead + day, "check", true, ahead + day},
		},
		// What is written by a wrong clock does not make it right.
		"writes first": {
			{ahead, "write", false, 0},
			{ahead + time.Second, "touch", false, 0},
			{ahead + 2*time.Hour, "write", false, 0},
			{ahead + 2*time.Hour, "check", true, ahead},
			{ahead + day, "check", false, 0},
		},
		"trusted": {
			{ahead, "check", true, ahead},
			{ahead + time.Minute, "trust", false, 0},
			{ahead + 2*time.Minute, "check", false, 0},
			{2 * ahead, "trust", false, 0},
			{2*ahead + time.Minute, "check", false, 0},
		},
		"behind": {
			{-ahead, "check", false, 0},
			{0, "check", true, 0},
			{day, "check", false, 0},
		},
		"a bit behind": {{-time.Hour, "check", false, 0}, {-time.Second, "write", false, 0}, {0, "check", false, 0}},
		// A file of an earlier program tells by its history.
		"no record":     {{0, "forget", false, 0}, {ahead, "check", true, ahead}, {ahead + day, "check", false, 0}},
		"no record yet": {{0, "forget", false, 0}, {29 * day, "check", false, 0}},
		"no record, writes first": {
			{0, "forget", false, 0},
			{ahead, "write", false, 0},
			{ahead + time.Second, "check", true, ahead},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, first := filepath.Join(t.TempDir(), "test.db"), sample(1).CreatedAt
			// last is when the registry was last used before.
			last := first
			use := func(u clockUse) {
				t.Helper()
				now := first.Add(u.at)
				r, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }, HistoryRetention: 365 * day, NoSync: true})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = r.Close() }()
				change := instance.Change{By: "key", Owner: "owner", At: now, Operation: u.how}
				switch u.how {
				case "create":
					err = r.Create(t.Context(), sample(1), change, nil)
				case "write":
					_, err = r.Update(t.Context(), sample(1).Key(), change, nil, func(i instance.Instance) (instance.Instance, error) {
						i.Name = now.String()
						return i, nil
					})
				case "touch":
					err = r.Touch(t.Context(), sample(1).Key(), now)
				case "check", "trust":
					jump, checkErr := r.CheckClock(t.Context(), now, u.how == "trust")
					err = checkErr
					if held := !jump.Until.IsZero(); held != u.held || held && !jump.To.Equal(first.Add(u.jumped)) || held && !now.Before(jump.Until) {
						t.Fatalf("after %v: %+v", u.at, jump)
					} else if held && jump.To.Equal(now) && last.Sub(jump.From).Abs() > time.Hour {
						t.Errorf("after %v: %+v, last used at %v", u.at, jump, last)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				last = now
			}
			use(clockUse{how: "create"})
			for _, u := range uses {
				if u.how == "forget" {
					forgetUse(t, path)
					continue
				}
				use(u)
			}
		})
	}
}

// forgetUse makes the file one of a program that did not keep its last use.
func forgetUse(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Update(func(tx *bbolt.Tx) error {
		format := tx.Bucket([]byte("format"))
		if format.Get([]byte("use")) == nil {
			t.Error("the last use is not stored")
		}
		return format.Delete([]byte("use"))
	}); err != nil {
		t.Fatal(err)
	}
}
