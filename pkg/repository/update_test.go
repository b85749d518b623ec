package repository_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// stub is a repository of one instance whose first writes lose their race.
type stub struct {
	stored     instance.Instance
	conflicts  int
	recorded   error // what Recorded returns
	getErr     error
	replaceErr error
	// The calls of Get, Replace, Record and Recorded.
	gets, writes, records, lookups int
}

func (s *stub) Get(context.Context, instance.Key) (instance.Instance, error) {
	s.gets++
	return s.stored, s.getErr
}

func (s *stub) Replace(_ context.Context, before, after instance.Instance, _ instance.Change, record *instance.Idempotency) (instance.Instance, error) {
	if s.replaceErr != nil {
		return instance.Instance{}, s.replaceErr
	}
	if s.conflicts > 0 {
		// Somebody else was faster.
		s.conflicts--
		s.stored.Version++
		s.stored.Name += "other,"
		return instance.Instance{}, instance.ErrConflict
	}
	if before.Version != s.stored.Version {
		return instance.Instance{}, errors.New("before is not what was read")
	}
	s.writes++
	after.Version = before.Version + 1
	s.stored = after
	return after, nil
}

func (s *stub) Record(context.Context, instance.Idempotency, instance.Instance) error {
	s.records++
	return nil
}

func (s *stub) Recorded(context.Context, instance.Idempotency) error {
	s.lookups++
	return s.recorded
}

// rename is a modification that shows what it was made of.
func rename(i instance.Instance) (instance.Instance, error) {
	i.Name += "mine"
	return i, nil
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")

	t.Run("first try", func(t *testing.T) {
		t.Parallel()
		s := &stub{stored: instance.Instance{Version: 1}}
		got, err := repository.Update(t.Context(), s, instance.Key{}, instance.Change{}, nil, rename)
		if err != nil || got.Name != "mine" || got.Version != 2 || s.gets != 1 || s.writes != 1 {
			t.Errorf("stored is %+v, %v after %d reads and %d writes", got, err, s.gets, s.writes)
		}
	})

	t.Run("after lost races", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &stub{stored: instance.Instance{Version: 1}, conflicts: 12}
			got, err := repository.Update(t.Context(), s, instance.Key{}, instance.Change{}, nil, rename)
			if err != nil || got.Version != 14 || s.gets != 13 || s.writes != 1 {
				t.Errorf("stored is %+v, %v after %d reads and %d writes", got, err, s.gets, s.writes)
			}
		})
	})

	t.Run("within its deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			s := &stub{conflicts: 1 << 30}
			_, err := repository.Update(ctx, s, instance.Key{}, instance.Change{}, nil, rename)
			if !errors.Is(err, instance.ErrUnavailable) || s.writes != 0 {
				t.Errorf("error is %v, %d writes", err, s.writes)
			}
			if ctx.Err() != nil {
				t.Error("it gave up only after the deadline")
			}
			if s.gets < 6 {
				t.Errorf("it gave up after %d tries", s.gets)
			}
		})
	})

	t.Run("no change", func(t *testing.T) {
		t.Parallel()
		s := &stub{stored: instance.Instance{Version: 1, Attributes: []byte("{}")}}
		got, err := repository.Update(t.Context(), s, instance.Key{}, instance.Change{}, nil, func(i instance.Instance) (instance.Instance, error) {
			i.Attributes = []byte("{}")
			return i, nil
		})
		if err != nil || got.Version != 1 || s.writes != 0 {
			t.Errorf("stored is %+v, %v after %d writes", got, err, s.writes)
		}
	})

	// A record is read only where the write is refused, and stored apart only
	// where nothing else is written.
	t.Run("with a record", func(t *testing.T) {
		t.Parallel()
		keep := func(i instance.Instance) (instance.Instance, error) { return i, nil }
		refuse := func(i instance.Instance) (instance.Instance, error) { return i, failure }
		repeated := &instance.RepeatedError{Answer: []byte("first")}
		for name, test := range map[string]struct {
			s                *stub
			modify           func(instance.Instance) (instance.Instance, error)
			want             error
			records, lookups int
		}{
			"written":         {&stub{}, rename, nil, 0, 0},
			"unchanged":       {&stub{}, keep, nil, 1, 0},
			"refused":         {&stub{}, refuse, failure, 0, 1},
			"repeated":        {&stub{recorded: repeated}, refuse, repeated, 0, 1},
			"repeated, gone":  {&stub{recorded: repeated, getErr: instance.ErrNotFound}, rename, repeated, 0, 1},
			"repeated, large": {&stub{recorded: repeated, replaceErr: instance.ErrTooLarge}, rename, repeated, 0, 1},
			// These tell nothing about an earlier request.
			"not read":     {&stub{getErr: failure}, rename, failure, 0, 0},
			"unknown":      {&stub{replaceErr: failure}, rename, failure, 0, 0},
			"record fails": {&stub{recorded: instance.ErrUnavailable}, refuse, instance.ErrUnavailable, 0, 1},
		} {
			_, err := repository.Update(t.Context(), test.s, instance.Key{}, instance.Change{}, &instance.Idempotency{}, test.modify)
			if !errors.Is(err, test.want) || test.s.records != test.records || test.s.lookups != test.lookups {
				t.Errorf("%s: %v, %d records stored and %d read, want %v, %d and %d",
					name, err, test.s.records, test.s.lookups, test.want, test.records, test.lookups)
			}
		}
	})

	t.Run("errors end it", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			name   string
			s      *stub
			modify func(instance.Instance) (instance.Instance, error)
		}{
			{"get", &stub{getErr: failure}, rename},
			{"modify", &stub{}, func(i instance.Instance) (instance.Instance, error) { return i, failure }},
			{"replace", &stub{replaceErr: failure}, rename},
		} {
			if _, err := repository.Update(t.Context(), test.s, instance.Key{}, instance.Change{}, nil, test.modify); !errors.Is(err, failure) {
				t.Errorf("%s: error is %v", test.name, err)
			}
			if test.s.gets != 1 || test.s.writes != 0 {
				t.Errorf("%s: %d reads, %d writes", test.name, test.s.gets, test.s.writes)
			}
		}
	})
}
