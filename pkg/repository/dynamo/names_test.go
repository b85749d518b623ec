package dynamo_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

// newNamesFixture is a fixture whose repositories keep and use name rows.
func newNamesFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	setNames(t, f.table, "complete")
	f.AssumeNames()
	return f
}

// setNames makes a table of the newest layout keep name rows, as an upgrade does
// in the end.
func setNames(t *testing.T, table dynamotest.Table, state string) {
	t.Helper()
	layout := attributes(map[string]string{"pk": "layout", "sk": "layout", "names": state})
	layout["version"] = &types.AttributeValueMemberN{Value: "3"}
	must(t, failure(table.Client(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: layout})))
}

// checkNames fails the test unless the name rows in the table are those of the
// instances whose kinds match the patterns, and there are no others.
func checkNames(t *testing.T, table dynamotest.Table, kinds ...string) {
	t.Helper()
	text := func(item map[string]types.AttributeValue, name string) string {
		s, _ := item[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	got, want := map[string]string{}, map[string]string{}
	// The context of the test may be over.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	pages := dynamodb.NewScanPaginator(table.Client(nil), &dynamodb.ScanInput{TableName: &table.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		for _, item := range page.Items {
			pk, sk := text(item, "pk"), text(item, "sk")
			if strings.HasPrefix(pk, "name#") || strings.HasPrefix(pk, "longname#") {
				got[pk+"|"+sk] = text(item, "fname")
				continue
			}
			rest, ok := strings.CutPrefix(pk, "instance#")
			kind, collection, _ := strings.Cut(rest, "#")
			if ok && slices.ContainsFunc(kinds, func(pattern string) bool { match, _ := path.Match(pattern, kind); return match }) {
				maps.Copy(want, rowsOf(kind, text(item, "fname"), collection+"\x00"+sk))
			}
		}
	}
	for key, name := range want {
		if was, ok := got[key]; !ok || was != name {
			t.Errorf("there is no row %q with %q: %v, %q", key, name, ok, was)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("row %q is left", key)
		}
	}
}

// rowsOf returns the name rows, as package documentation lays them out.
func rowsOf(kind, folded, place string) map[string]string {
	rows := map[string]string{}
	runes := []rune(folded)
	if len(runes) > 45 {
		return map[string]string{"longname#" + kind + "|" + place: folded}
	}
	for n := range runes {
		suffix := string(runes[n:])
		for len(suffix) > 103 {
			_, size := utf8.DecodeLastRuneInString(suffix)
			suffix = suffix[:len(suffix)-size]
		}
		rows["name#"+kind+"#"+string(runes[n:n+1])+"|"+suffix+"\x00"+place] = ""
	}
	return rows
}

// nameSamples are names with what makes rows special.
func nameSamples() []string {
	return []string{
		"", "a", "Order Processing", "aaaaaaaa", "ſtraße K", "e\u0301te\u0301", "éTÉ", "\u0301", "日本語の名前", "𝄞𝄞𝄞",
		"a\x00b", "a#b", strings.Repeat("x", 45), strings.Repeat("x", 46), strings.Repeat("aé", 22) + "z",
		strings.Repeat("𝄞", 45), strings.Repeat("𝄞", 46), strings.Repeat("long name ", 30), "order " + strings.Repeat("processing ", 5),
	}
}

// Each write keeps the rows of what it changes, and every search by a part of a
// name finds what a walk does.
func TestNameRows(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	ctx := t.Context()
	names := nameSamples()
	var made []instance.Instance
	for n, name := range names {
		i := f.fresh(int64(n + 1))
		i.Name = name
		must(t, f.Create(ctx, i, f.change("create"), nil))
		made = append(made, i)
	}
	checkNames(t, f.table, "numbered")
	// Each name becomes some of the others in turn.
	for _, distance := range []int{1, 6, 17} {
		for n := range made {
			after := made[n]
			after.Name = names[(n+distance)%len(names)]
			var err error
			made[n], err = f.Replace(ctx, made[n], after, f.change("replace"), nil)
			must(t, err)
		}
	}
	checkNames(t, f.table, "numbered")
	f.wantSameAsWalk(t, numbered(), names)
	for n := 0; n < len(made); n += 2 {
		must(t, f.Delete(ctx, made[n].Key(), f.change("delete"), nil, nil))
	}
	checkNames(t, f.table, "numbered")
	for n := 0; n < len(made); n += 4 {
		must(t, failure(f.Restore(ctx, made[n].Key(), f.change("restore"))))
	}
	for d, err := range f.Deleted(ctx, numbered(), time.Time{}) {
		must(t, err)
		must(t, f.Purge(ctx, d, f.change("purge")))
	}
	checkNames(t, f.table, "numbered")
	f.wantSameAsWalk(t, numbered(), names)
}

// wantSameAsWalk fails the test unless name rows and a walk give the same answers
// to searches for parts of the names, whole and in pages.
func (f *fixture) wantSameAsWalk(t *testing.T, kind instance.Kind, names []string) {
	t.Helper()
	walker := dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name})
	parts := []string{"none", "\x00", "#", "XX", "o", "E", "é"}
	for _, name := range names {
		runes := []rune(name)
		if len(runes) > 0 {
			parts = append(parts, name, string(runes[:1]), string(runes[len(runes)/2:]), string(runes[len(runes)/3:2*len(runes)/3+1]))
		}
	}
	for at, part := range parts {
		q := instance.Query{Kind: kind, Name: part}
		want := ids(t, walker.Search(t.Context(), q))
		if got := ids(t, f.Search(t.Context(), q)); got != want {
			t.Errorf("%q finds %s, and a walk %s", part, got, want)
		}
		if at%5 != 0 {
			continue
		}
		// In pages of two, each by the other way than the one before.
		var paged []string
		for page := 0; ; page++ {
			r := []*dynamo.Repository{f.Repository, walker}[page%2]
			q.Limit = 2
			n := 0
			for i, err := range r.Search(t.Context(), q) {
				must(t, err)
				paged, n = append(paged, i.ID), n+1
				q.After = instance.Position{Collection: i.Collection, SortKey: i.SortKey()}
			}
			if n < q.Limit {
				break
			}
		}
		if got := fmt.Sprint(paged); got != want {
			t.Errorf("%q finds %s in pages, and %s at once", part, got, want)
		}
	}
}

// The longest keys leave room for a suffix, and a cut suffix is still found.
func TestNameRowsOfLongKeys(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	kind := instance.Kind{Name: strings.Repeat("k", 32), Order: instance.OrderTime, NameSearch: true}
	name := strings.Repeat("€", 44)
	for n, end := range []string{"a", "b"} {
		i := f.freshTimed(strings.Repeat("i", 400) + strconv.Itoa(n))
		i.Kind, i.Collection, i.Name = kind, strings.Repeat("c", 499), name+end
		must(t, f.Create(t.Context(), i, f.change("create"), nil))
	}
	checkNames(t, f.table, kind.Name)
	for part, want := range map[string]int{name: 2, name + "A": 1, "€b": 1, name + "c": 0, "€": 2} {
		found := 0
		for _, err := range f.Search(t.Context(), instance.Query{Kind: kind, Collections: []string{strings.Repeat("c", 499)}, Name: part}) {
			must(t, err)
			found++
		}
		if found != want {
			t.Errorf("%q finds %d, want %d", part, found, want)
		}
	}
}

// A write is at most 100 items, whatever its names: each fits into a transaction.
func TestNameRowsFitTransaction(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	ctx := t.Context()
	most := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		items, _ := c.Body["TransactItems"].([]any)
		most = max(most, len(items))
		return c.pass()
	})
	name := func(first rune) string {
		var b strings.Builder
		for n := range 45 {
			b.WriteRune(first + rune(n))
		}
		return b.String()
	}
	// With a pointer, a code and an answer to record.
	i := f.freshTimed("imported")
	i.Kind.NameSearch, i.Name = true, name('一')
	record := &instance.Idempotency{Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return []byte("{}"), nil }, ExpiresAt: time.Now().Add(time.Hour)}
	must(t, f.Create(ctx, i, f.change("create"), record))
	after := i
	after.Name, after.Code = name('가'), "other"
	after, err := f.Replace(ctx, i, after, f.change("replace"), keyed("replace"))
	must(t, err)
	must(t, f.Delete(ctx, after.Key(), f.change("delete"), keyed("delete"), nil))
	must(t, failure(f.Restore(ctx, after.Key(), f.change("restore"))))
	if most > 100 || most != 45+45+5 {
		t.Errorf("a transaction has %d items", most)
	}
	checkNames(t, f.table, "timed")
}

// What writes consume for rows, and that a change which keeps the folded name
// touches none. Rows of other kinds, and of tables without rows, are not written.
func TestNameRowCosts(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	i := f.fresh(1)
	i.Name = "twelve runes"
	items := 0
	must(t, failure(f.NextNumber(t.Context(), numbered()))) // It enters the collection.
	f.wire.inject(func(c call) (*http.Response, error) {
		changes, _ := c.Body["TransactItems"].([]any)
		items += len(changes)
		return c.pass()
	})
	replace := func(modify func(*instance.Instance)) {
		t.Helper()
		after := i
		modify(&after)
		var err error
		i, err = f.Replace(t.Context(), i, after, f.change("replace"), nil)
		must(t, err)
	}
	for _, step := range []struct {
		name string
		run  func()
		want int
	}{
		// The instance, the guard of its code and the history.
		{"create", func() { must(t, f.Create(t.Context(), i, f.change("create"), nil)) }, 3 + 12},
		{"same name", func() { replace(func(i *instance.Instance) { i.Status = "up" }) }, 2},
		{"other case", func() { replace(func(i *instance.Instance) { i.Name = "Twelve RUNES" }) }, 2},
		{"a letter before", func() { replace(func(i *instance.Instance) { i.Name = "+Twelve runes" }) }, 2 + 1},
		{"a letter less", func() { replace(func(i *instance.Instance) { i.Name = "twelve runes" }) }, 2 + 1},
		{"another end", func() { replace(func(i *instance.Instance) { i.Name = "twelve rune" }) }, 2 + 12 + 11},
		{"no name", func() { replace(func(i *instance.Instance) { i.Name = "" }) }, 2 + 11},
		{"long name", func() { replace(func(i *instance.Instance) { i.Name = strings.Repeat("long", 20) }) }, 2 + 1},
		{"other long name", func() { replace(func(i *instance.Instance) { i.Name = strings.Repeat("name", 20) }) }, 2 + 1},
		{"long name in other case", func() { replace(func(i *instance.Instance) { i.Name = strings.Repeat("NAME", 20) }) }, 2},
		{"delete", func() { must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil)) }, 4 + 1},
		{"restore", func() { must(t, failure(f.Restore(t.Context(), i.Key(), f.change("restore")))) }, 4 + 1},
		{"delete again", func() { must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil)) }, 4 + 1},
		{"purge", func() {
			must(t, f.Purge(t.Context(), only(t, f.Deleted(t.Context(), numbered(), time.Time{})), f.change("purge")))
		}, 2},
		{"create of another kind", func() {
			other := f.freshTimed("x")
			must(t, f.Create(t.Context(), other, f.change("create"), nil))
		}, 4},
	} {
		items = 0
		if step.run(); items != step.want {
			t.Errorf("%s writes %d items, want %d", step.name, items, step.want)
		}
	}
	checkNames(t, f.table, "numbered")
}

// A search reads the rows of its matches and these, whatever else there is. A text
// that is in too many names is found by a walk.
func TestNameRowSearchCosts(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	var items []map[string]types.AttributeValue
	const many = 1200
	for n := range int64(many) {
		i := f.fresh(n + 1)
		i.Code, i.Group, i.SubGroup = "", "", ""
		if i.Name = "I"; n%24 == 0 {
			i.Name = fmt.Sprintf("I%04drare", n+1)
		}
		encoded, err := dynamo.EncodeItem(i)
		must(t, err)
		rows, err := dynamo.EncodeNameRows(i)
		must(t, err)
		items = append(append(items, encoded), rows...)
	}
	f.fill(t, items)
	enter := f.fresh(many + 1)
	enter.Name = ""
	must(t, f.Create(t.Context(), enter, f.change("create"), nil))
	for _, test := range []struct {
		q     instance.Query
		found int
		calls int
		units float64 // At most.
	}{
		// The matches and their rows, and a unit for the long names.
		{instance.Query{Name: "rare"}, 50, 3, 50 + 2 + 1},
		{instance.Query{Name: "RAR"}, 50, 3, 50 + 2 + 1},
		{instance.Query{Name: "1RaRe"}, 10, 3, 10 + 1 + 1},
		{instance.Query{Name: "rare", Limit: 10}, 10, 3, 10 + 2 + 1},
		{instance.Query{Name: "0841"}, 1, 3, 1 + 2},
		{instance.Query{Name: "none"}, 0, 2, 2},
		{instance.Query{Name: "z"}, 0, 2, 2},
		{instance.Query{Name: strings.Repeat("none", 20)}, 0, 2, 2},
	} {
		test.q.Kind = numbered()
		f.wire.inject(nil)
		ctx, meter := capacity.WithMeter(t.Context())
		found := 0
		for _, err := range f.Search(ctx, test.q) {
			must(t, err)
			found++
		}
		if used := meter.Total(); found != test.found || used.Calls != test.calls || used.ReadUnits > test.units {
			t.Errorf("%q finds %d with %+v, want %d with %d calls, %v units", test.q.Name, found, used, test.found, test.calls, test.units)
		}
	}
	// This walks.
	for _, limit := range []int{0, 7} {
		found := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered(), Name: "i", Limit: limit}))
		if n := len(strings.Fields(found)); limit == 0 && n != many || limit > 0 && found != "[1 2 3 4 5 6 7]" {
			t.Errorf("a common letter finds %d: %s", n, found)
		}
	}
}
