package repositorytest

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/instance"
)

// Unequal returns instances of a numbered kind, some of whose codes, groups,
// subgroups and names were different before dotted and dotless letters i were
// equal: 2 and 3, and 4 and 5.
func Unequal(kind instance.Kind) []instance.Instance {
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	var all []instance.Instance
	for n, code := range []string{"plain", "ilik", "ılık", "İSTANBUL", "istanbul", "και"} {
		all = append(all, instance.Instance{
			Kind: kind, Collection: instance.Block(1), ID: strconv.Itoa(n + 1), Code: code, Group: code + " group",
			SubGroup: code + " sub", Name: "the name " + code, Owner: "o", Status: "up", Version: 1,
			Incarnation: "inc" + strconv.Itoa(n), CreatedAt: at, UpdatedAt: at,
		})
	}
	return all
}

// Equal runs tests on a repository in which an upgrade has made what [Unequal]
// returns equal.
func Equal(t *testing.T, r app.OperatorRepository, kind instance.Kind) {
	t.Helper()
	ctx := t.Context()
	change := instance.Change{By: "key", Owner: "o", At: time.Date(2026, 6, 7, 8, 9, 10, 0, time.UTC), Operation: "write"}
	ids := func(q instance.Query) string {
		q.Kind = kind
		var ids []string
		for i, err := range r.Search(ctx, q) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, i.ID)
		}
		return strings.Join(ids, "")
	}
	for _, test := range []struct {
		query instance.Query
		want  string
	}{
		{instance.Query{Code: "ILIK"}, "23"},
		{instance.Query{Code: "ılik", Name: "Lı"}, "23"},
		{instance.Query{Code: "istanbul", Limit: 1}, "4"},
		{instance.Query{Code: "ıstanbul", Collections: []string{instance.Block(1)}}, "45"},
		{instance.Query{Code: "ilik", After: instance.Position{Collection: instance.Block(1), SortKey: "0000000000000000002"}}, "3"},
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
		_, err := r.Update(ctx, key(id), change, nil, func(i instance.Instance) (instance.Instance, error) {
			i.Code, i.Name = code, i.Name+"!"
			return i, nil
		})
		return err
	}
	wantTaken := func(when, code string, want error) {
		t.Helper()
		if err := recode("1", code); !errors.Is(err, want) {
			t.Errorf("%s the error is %v, want %v", when, err, want)
		}
	}
	// One that is deleted, and then one that gets another code, leave the code to
	// the other.
	wantTaken("while two have it", "Ilik", instance.ErrCodeTaken)
	if err := errors.Join(recode("2", "İLIK"), recode("3", "ılık"), r.Delete(ctx, key("2"), change, nil, nil)); err != nil {
		t.Error(err)
	}
	wantTaken("while one has it", "Ilik", instance.ErrCodeTaken)
	if got := ids(instance.Query{Code: "ilik"}); got != "3" {
		t.Errorf("the code finds %s", got)
	}
	if _, err := r.Restore(ctx, key("2"), change); !errors.Is(err, instance.ErrCodeTaken) {
		t.Errorf("error is %v, want %v", err, instance.ErrCodeTaken)
	}
	if err := recode("3", "other"); err != nil {
		t.Error(err)
	}
	wantTaken("when nobody has it", "Ilik", nil)
	// The other way round.
	if err := errors.Join(recode("5", "five"), recode("5", "")); err != nil {
		t.Error(err)
	}
	wantTaken("while the other has it", "ıstanbul", instance.ErrCodeTaken)
	if err := r.Delete(ctx, key("4"), change, nil, nil); err != nil {
		t.Error(err)
	}
	wantTaken("when the other is gone", "ıstanbul", nil)
}
