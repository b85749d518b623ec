package dynamo_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

// numbered is the kind that the tests use.
func numbered() instance.Kind {
	return instance.Kind{Name: "numbered", Order: instance.OrderNumber, NameSearch: true}
}

// timed is another kind that they use, which is sorted by time.
func timed() instance.Kind { return instance.Kind{Name: "timed", Order: instance.OrderTime} }

// after returns the position of an instance of the kind numbered.
func after(collection, id string) instance.Position {
	i := instance.Instance{Kind: numbered(), Collection: collection, ID: id}
	return instance.Position{Collection: collection, SortKey: i.SortKey()}
}

// fixture is a repository whose calls can be seen and spoilt, and another one
// on the same table whose calls cannot.
type fixture struct {
	*dynamo.Repository
	wire  *wire
	other *dynamo.Repository
	table dynamotest.Table
	ticks atomic.Int64
	// live and deleted are what the actions work on; prepare stores them.
	live, deleted instance.Instance
	// trashed and ended are what there is to purge; prepare stores
	// them.
	trashed instance.Deleted
	ended   auth.Credential
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{wire: new(wire), table: dynamotest.NewTable(t)}
	// It reads the layout once, whatever a test takes.
	start := time.Now()
	f.Repository = dynamo.New(dynamo.Config{
		Client: f.table.Client(f.wire.transport), Table: f.table.Name, Now: func() time.Time { return start },
		IndexedNames: true,
	})
	f.AssumeLayout()
	f.other = dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name, IndexedNames: true})
	f.name()
	return f
}

// name gives names to what there is to purge.
func (f *fixture) name() {
	i := f.fresh(50_000)
	f.live, f.deleted = i, i
	at := f.change("").At
	f.trashed = instance.Deleted{Instance: i, DeletedAt: at}
	f.ended = auth.Credential{Name: "ended", Owner: "o", Hash: auth.Hash("ended"), CreatedAt: at, ExpiresAt: at.Add(time.Minute)}
}

// change returns a change that is later than all before.
func (f *fixture) change(operation string) instance.Change {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(f.ticks.Add(1)) * time.Second)
	return instance.Change{By: "key", Owner: "owner", At: at, RequestID: "request", Operation: operation}
}

// fresh returns the instance number n, ready to be created.
func (f *fixture) fresh(n int64) instance.Instance {
	at := f.change("").At
	return instance.Instance{
		Kind: numbered(), Collection: instance.Block(n), ID: strconv.FormatInt(n, 10),
		Code: fmt.Sprintf("code-%d", n), Group: "group", SubGroup: "sub", Name: fmt.Sprintf("name %d", n),
		Owner: "owner", Status: "created", Active: true, Version: 1, Incarnation: instance.NewIncarnation(),
		CreatedAt: at, UpdatedAt: at, Attributes: json.RawMessage(`{"description":"text"}`),
	}
}

// freshTimed returns the instance of the kind timed with that id, ready to be
// created. It is idle.
func (f *fixture) freshTimed(id string) instance.Instance {
	i := f.fresh(1)
	i.Kind, i.Collection, i.ID, i.Code = timed(), "collection", id, "code-"+id
	i.IdleSince = i.CreatedAt
	return i
}

// create stores instances through the other repository and returns the last.
func (f *fixture) create(t *testing.T, n int) instance.Instance {
	t.Helper()
	var i instance.Instance
	for range n {
		number, err := f.other.NextNumber(t.Context(), numbered())
		must(t, err)
		i = f.fresh(number)
		must(t, f.other.Create(t.Context(), i, f.change("create"), nil))
	}
	return i
}

// ids returns the ids of a search.
func ids(t *testing.T, found iter.Seq2[instance.Instance, error]) string {
	t.Helper()
	all := []string{}
	for i, err := range found {
		must(t, err)
		all = append(all, i.ID)
	}
	return fmt.Sprint(all)
}

// failure returns the error of a call.
func failure[T any](_ T, err error) error { return err }

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// only returns the one that found yields.
func only[T any](t *testing.T, found iter.Seq2[T, error]) T {
	t.Helper()
	var all []T
	for one, err := range found {
		must(t, err)
		all = append(all, one)
	}
	if len(all) != 1 {
		t.Fatalf("there are %d, want 1", len(all))
	}
	return all[0]
}

// drain reads all of found and returns its error.
func drain[T any](found iter.Seq2[T, error]) error {
	for _, err := range found {
		if err != nil {
			return err
		}
	}
	return nil
}

// operations returns the operations of the history, newest first.
func (f *fixture) operations(t *testing.T, key instance.Key) string {
	t.Helper()
	all := []string{}
	for e, err := range f.other.History(t.Context(), instance.HistoryQuery{Key: key}) {
		must(t, err)
		all = append(all, e.Operation)
	}
	return fmt.Sprint(all)
}
