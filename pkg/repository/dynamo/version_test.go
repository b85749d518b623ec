package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

// setLayout stores a layout item as it is, or removes it if there are no
// numbers.
func setLayout(t *testing.T, table dynamotest.Table, numbers map[string]int) {
	t.Helper()
	key := attributes(map[string]string{"pk": "layout", "sk": "layout"})
	if numbers == nil {
		must(t, failure(table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: key})))
		return
	}
	for name, n := range numbers {
		key[name] = &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
	}
	must(t, failure(table.Client(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: key})))
}

// Nothing is written to a table with a layout that the program does not know, or
// that is on its way to one, and the error says what to do.
func TestNewerLayout(t *testing.T) {
	t.Parallel()
	for _, numbers := range []map[string]int{{"version": 4}, {"version": 3, "target": 4}} {
		f := newFixture(t)
		f.prepare(t)
		before := f.state(t)
		setLayout(t, f.table, numbers)
		f.Repository = dynamo.New(dynamo.Config{Client: f.table.Client(f.wire.transport), Table: f.table.Name})
		for _, action := range writes() {
			if strings.Contains(action.name, "number") || strings.Contains(action.name, "key") ||
				action.name == "set document" || action.name == "tidy" {
				continue // These write no instance.
			}
			f.wire.inject(nil)
			err := action.run(t.Context(), f)
			if text := fmt.Sprint(err); !containsAll(text, f.table.Name+" has layout 4", "none above 3", "deploy") {
				t.Errorf("%s: %s", action.name, text)
			}
			if errors.Is(err, instance.ErrUnavailable) {
				t.Errorf("%s: %v says that another try is worth it", action.name, err)
			}
			for _, operation := range f.wire.sent() {
				if operation != "GetItem" && operation != "Query" {
					t.Errorf("%s sends %s", action.name, operation)
				}
			}
		}
		if after := f.state(t); after != before {
			t.Errorf("state is\n%s\nwas\n%s", after, before)
		}
	}
}

// The layout is read once a minute, also when the clock is set back.
func TestLayoutIsReadOnceAMinute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	now := time.Now()
	f.Repository = dynamo.New(dynamo.Config{
		Client: f.table.Client(f.wire.transport), Table: f.table.Name, Now: func() time.Time { return now },
	})
	for _, step := range []struct {
		pass  time.Duration
		reads int
	}{{0, 1}, {0, 0}, {59 * time.Second, 0}, {time.Second, 1}, {30 * time.Second, 0}, {-31 * time.Second, 1}, {time.Hour, 1}} {
		now = now.Add(step.pass)
		f.wire.inject(nil)
		must(t, f.Touch(t.Context(), i.Key(), now))
		reads := 0
		for _, operation := range f.wire.sent() {
			if operation == "GetItem" {
				reads++
			}
		}
		if reads != step.reads {
			t.Errorf("%v later it is read %d times, want %d", step.pass, reads, step.reads)
		}
	}
}

// A table that an upgrade is due for works, and the log says once what to do.
func TestUpgradeIsDue(t *testing.T) {
	t.Parallel()
	old := []string{"has an old layout", "run instances upgrade --table ", `"layout":1,"newest":3`}
	for _, test := range []struct {
		name    string
		layout  map[string]int
		indexed bool
		want    []string
	}{
		{"without a layout", nil, false, old},
		{"old", map[string]int{"version": 1}, true, old},
		{"being upgraded", map[string]int{"version": 1, "target": 3}, false, old},
		{"folded otherwise", map[string]int{"version": 2}, true, []string{"the letters i, ı and İ differ", "run instances upgrade --table ", `"layout":2,"newest":3`}},
		{"without name rows", map[string]int{"version": 3}, true, []string{"no complete name rows", "run instances upgrade --name-search indexed --table "}},
		{"as it should be", map[string]int{"version": 3}, false, nil},
	} {
		f := newFixture(t)
		setLayout(t, f.table, test.layout)
		now := time.Now()
		var log bytes.Buffer
		f.Repository = dynamo.New(dynamo.Config{
			Client: f.table.Client(nil), Table: f.table.Name, Now: func() time.Time { return now }, IndexedNames: test.indexed,
			Logger: slog.New(slog.NewJSONHandler(&log, nil)),
		})
		for n := range int64(3) {
			must(t, f.Create(t.Context(), f.fresh(n+1), f.change("create"), nil))
			now = now.Add(time.Hour)
		}
		text := log.String()
		if test.want == nil && text != "" {
			t.Errorf("%s: the log is %s", test.name, text)
		}
		if test.want != nil && (strings.Count(text, "\n") != 1 || !containsAll(text, append(test.want, `"level":"WARN"`, f.table.Name)...)) {
			t.Errorf("%s: the log is %s", test.name, text)
		}
	}
}

// Only a table that holds nothing gets the newest layout without an upgrade.
func TestInitialize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fill func(t *testing.T, f *fixture)
		want string
	}{
		{"empty", func(t *testing.T, f *fixture) { setLayout(t, f.table, nil) }, "3"},
		{"with a key", func(t *testing.T, f *fixture) {
			setLayout(t, f.table, nil)
			must(t, f.CreateCredential(t.Context(), auth.Credential{Name: "n", Owner: "o", Hash: auth.Hash("s"), CreatedAt: time.Now()}))
		}, ""},
		{"with an instance", func(t *testing.T, f *fixture) {
			setLayout(t, f.table, nil)
			must(t, f.Create(t.Context(), f.freshTimed("x"), f.change("create"), nil))
		}, ""},
		{"with an old layout", func(t *testing.T, f *fixture) { setLayout(t, f.table, map[string]int{"version": 1}) }, "1"},
		{"with a newer layout", func(t *testing.T, f *fixture) { setLayout(t, f.table, map[string]int{"version": 4}) }, "4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			test.fill(t, f)
			for range 2 {
				must(t, f.Initialize(t.Context()))
				if got := f.stored(t, "layout", "layout")["version"]; got != test.want {
					t.Errorf("the layout is %q, want %q", got, test.want)
				}
			}
		})
	}
}

// A write that goes on for long looks at the layout again before each attempt, and
// gives up where that has changed: whoever changes it waits for that.
func TestWritesDoNotOutliveTheLayout(t *testing.T) {
	t.Parallel()
	for _, names := range []string{"", "filling"} {
		t.Run("name rows "+names, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _ := still(func(c call) (*http.Response, error) {
					switch {
					case c.Operation == "GetItem":
						return c.answer(http.StatusOK, map[string]any{"Item": map[string]any{
							"version": map[string]any{"N": "3"}, "names": map[string]any{"S": names},
						}})
					case !isWork(c): // It settles that the write cannot take effect any more.
						return c.answer(http.StatusOK, map[string]any{})
					}
					select {
					case <-c.Context().Done():
						return nil, c.Context().Err()
					case <-time.After(2 * time.Second):
						return c.busy()
					}
				})
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
				defer cancel()
				i := f.fresh(1)
				_, err := f.Replace(ctx, i, i, f.change("replace"), nil)
				took := time.Since(begin)
				if early := took < 65*time.Second; !errors.Is(err, instance.ErrUnavailable) || took < 50*time.Second || early != (names != "") {
					t.Errorf("it took %v, error is %v", took, err)
				}
			})
		})
	}
}
