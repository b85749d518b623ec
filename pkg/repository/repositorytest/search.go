package repositorytest

import (
	"fmt"
	"strconv"
	"testing"

	"instances/pkg/instance"
)

// testSearch covers what a query finds and in which order.
func testSearch(t *testing.T, open Opener) {
	t.Run("by number", func(t *testing.T) { t.Parallel(); searchNumbers(t, open) })
	t.Run("by id", func(t *testing.T) { t.Parallel(); searchIDs(t, open) })
	t.Run("by status", func(t *testing.T) { t.Parallel(); searchStatus(t, open) })
	t.Run("follows writes", func(t *testing.T) { t.Parallel(); searchFollowsWrites(t, open) })
	t.Run("follows the status", func(t *testing.T) { t.Parallel(); searchFollowsStatus(t, open) })

	// Only the collections of numbered kinds are known to a repository.
	t.Run("no collections", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, q := range []instance.Query{{}, {SubGroup: "s"}, {Name: "n"}, {Status: "s"}, {Group: "g", Name: "n"}} {
			q.Kind = idKind()
			n := 0
			var last error
			for _, err := range f.Search(t.Context(), q) {
				n, last = n+1, err
			}
			if n != 1 || last == nil {
				t.Errorf("%+v: got %d answers and error %v, want an error alone", q, n, last)
			}
		}
	})
	t.Run("nothing stored", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "c", Group: "g", Name: "n", Status: "s"})
		for _, q := range []instance.Query{{}, {Code: "c"}, {Group: "g"}, {SubGroup: "s"}, {Name: "n"}, {Status: "s"}, {Limit: 1}} {
			q.Kind = numberKind()
			if ids := f.ids(t, q); len(ids) != 0 {
				t.Errorf("%+v finds %v of another kind", q, ids)
			}
		}
	})

	t.Run("early break", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 3 {
			f.createNumbered(t, instance.Instance{Group: "g", Name: "n"})
		}
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			for i, err := range f.Search(t.Context(), q) {
				if err != nil || i.ID != "1" {
					t.Fatalf("%+v finds %q, %v first", q, i.ID, err)
				}
				break
			}
		}
		f.createNumbered(t, instance.Instance{})
	})

	// One query value can be run again, and the sequence iterated again.
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.createNumbered(t, instance.Instance{})
		answers := f.Search(t.Context(), instance.Query{Kind: numberKind()})
		for n := 1; n <= 2; n++ {
			if got := len(collect(t, answers)); got != n {
				t.Fatalf("%d answers, want %d", got, n)
			}
			f.createNumbered(t, instance.Instance{})
		}
	})

	// The consumer may use the repository, as a handler or an export does.
	t.Run("writes within the loop", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 5 {
			f.createNumbered(t, instance.Instance{Group: "g", Name: "n"})
		}
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			count := 0
			for i, err := range f.Search(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				f.replace(t, i.Key(), func(i *instance.Instance) { i.Status = fmt.Sprintf("%+v", q) })
				count++
			}
			if count != 5 {
				t.Errorf("%+v finds %d, want 5", q, count)
			}
		}
	})
}

// searchNumbers asks every combination of texts over three blocks.
func searchNumbers(t *testing.T, open Opener) {
	f := start(t, open)
	for _, test := range []struct {
		number int64
		i      instance.Instance
	}{
		// Not written in order; 9 and 10 distinguish numbers from texts.
		{9, instance.Instance{Code: "c-9", Group: "Group", SubGroup: "One", Name: "Alpha ninth"}},
		{10, instance.Instance{Code: "c-10", Group: "gROUP", SubGroup: "two", Name: "alpha tenth"}},
		{9_999, instance.Instance{Code: "c-9999", Group: "other", SubGroup: "one", Name: "ALPHA last of block"}},
		{10_000, instance.Instance{Code: "c-10000", Group: "group", SubGroup: "ONE", Name: "first of block, beta"}},
		{10_001, instance.Instance{Code: "Größe", Group: "Größe", SubGroup: "ς", Name: "Straße 5 % _ *"}},
		{10_002, instance.Instance{}},
		{100_000, instance.Instance{Code: "c-100000", Group: "group", Name: "beta alpha"}},
		{100_001, instance.Instance{Code: "c-100001", Group: "group#one", SubGroup: "one", Name: "x"}},
	} {
		if err := f.ReserveNumbers(t.Context(), numberKind(), test.number-1); err != nil {
			t.Fatal(err)
		}
		if i := f.createNumbered(t, test.i); i.ID != strconv.FormatInt(test.number, 10) {
			t.Fatalf("number is %s, want %d", i.ID, test.number)
		}
	}
	block0, block1 := instance.Block(0), instance.Block(10_000)
	wantFound(t, f, instance.Query{Kind: numberKind()}, []searchCase{
		{"all", instance.Query{}, "[9 10 9999 10000 10001 10002 100000 100001]"},
		{"code", instance.Query{Code: "C-10"}, "[10]"},
		{"code is no prefix", instance.Query{Code: "c-1"}, "[]"},
		{"code beyond ASCII", instance.Query{Code: "GRÖẞE"}, "[10001]"},
		{"code decomposed", instance.Query{Code: "gro\u0308ße"}, "[10001]"},
		{"group", instance.Query{Group: "GROUP"}, "[9 10 10000 100000]"},
		{"group is no prefix", instance.Query{Group: "grou"}, "[]"},
		{"group beyond ASCII", instance.Query{Group: "grÖße"}, "[10001]"},
		{"group with a separator", instance.Query{Group: "Group#One"}, "[100001]"},
		{"group and subgroup", instance.Query{Group: "group", SubGroup: "one"}, "[9 10000]"},
		{"subgroup", instance.Query{SubGroup: "one"}, "[9 9999 10000 100001]"},
		{"subgroup, final sigma", instance.Query{SubGroup: "Σ"}, "[10001]"},
		{"name contains", instance.Query{Name: "alpha"}, "[9 10 9999 100000]"},
		{"name within", instance.Query{Name: "LPHA T"}, "[10]"},
		{"name at the end", instance.Query{Name: "beta"}, "[10000 100000]"},
		{"name whole", instance.Query{Name: "BETA alpha"}, "[100000]"},
		{"name longer", instance.Query{Name: "beta alpha "}, "[]"},
		{"name beyond ASCII", instance.Query{Name: "RAẞE"}, "[10001]"},
		{"name has no wildcards", instance.Query{Name: "%"}, "[10001]"},
		{"name has no wildcards either", instance.Query{Name: "*lpha"}, "[]"},
		{"name and group", instance.Query{Name: "alpha", Group: "group"}, "[9 10 100000]"},
		{"name and subgroup", instance.Query{Name: "alpha", SubGroup: "one"}, "[9 9999]"},
		{"name, group and subgroup", instance.Query{Name: "t", Group: "group", SubGroup: "two"}, "[10]"},
		{"code and group", instance.Query{Code: "c-9", Group: "group"}, "[9]"},
		{"code and another group", instance.Query{Code: "c-9", Group: "other"}, "[]"},
		{"code and subgroup", instance.Query{Code: "c-9", SubGroup: "two"}, "[]"},
		{"code and name", instance.Query{Code: "c-9", Name: "NINTH"}, "[9]"},
		{"code and another name", instance.Query{Code: "c-9", Name: "tenth"}, "[]"},
		{"all four", instance.Query{Code: "c-10000", Group: "group", SubGroup: "one", Name: "block"}, "[10000]"},
		{"one collection", instance.Query{Collections: []string{block1}}, "[10000 10001 10002]"},
		{"collections", instance.Query{Collections: []string{block1, block0}, Name: "alpha"}, "[9 10 9999]"},
		{"collections in their order", instance.Query{Collections: []string{block1, block0}}, "[10000 10001 10002 9 10 9999]"},
		{"an unused collection", instance.Query{Collections: []string{instance.Block(50_000)}}, "[]"},
		{"limit", instance.Query{Limit: 3}, "[9 10 9999]"},
		{"limit over a border", instance.Query{Limit: 4}, "[9 10 9999 10000]"},
		{"limit of hits", instance.Query{Name: "alpha", Limit: 3}, "[9 10 9999]"},
		{"limit of a group", instance.Query{Group: "group", Limit: 1}, "[9]"},
		{"limit not reached", instance.Query{Code: "c-9", Limit: 5}, "[9]"},
		{"after", instance.Query{After: after(block0, "9")}, "[10 9999 10000 10001 10002 100000 100001]"},
		{"after the end of a block", instance.Query{After: after(block0, "9999")}, "[10000 10001 10002 100000 100001]"},
		{"after what is not there", instance.Query{After: after(block0, "11"), Limit: 1}, "[9999]"},
		{"after the last", instance.Query{After: after(instance.Block(100_001), "100001")}, "[]"},
		{"group after", instance.Query{Group: "group", After: after(block0, "10")}, "[10000 100000]"},
		{"group and limit after", instance.Query{Group: "group", After: after(block0, "9"), Limit: 2}, "[10 10000]"},
		{"name after", instance.Query{Name: "alpha", After: after(block0, "9999")}, "[100000]"},
		{"code after itself", instance.Query{Code: "c-9", After: after(block0, "9")}, "[]"},
		{"code after another", instance.Query{Code: "c-10", After: after(block0, "9")}, "[10]"},
	})
}

// searchCase is a query and the ids that it finds.
type searchCase struct {
	name string
	q    instance.Query
	want string
}

// wantFound fails the test unless each query, in the kind of base and unless it
// names others in the collections of base, finds what it should.
func wantFound(t *testing.T, f *fixture, base instance.Query, cases []searchCase) {
	t.Helper()
	for _, c := range cases {
		c.q.Kind = base.Kind
		if c.q.Collections == nil {
			c.q.Collections = base.Collections
		}
		if got := fmt.Sprint(f.ids(t, c.q)); got != c.want {
			t.Errorf("%s: found %s, want %s", c.name, got, c.want)
		}
	}
}

// searchIDs asks for explicit collections, which bound every search.
func searchIDs(t *testing.T, open Opener) {
	f := start(t, open)
	for n, i := range []instance.Instance{
		named("a", "10"), named("a", "9"), named("a", "B"), named("a", "b"), named("b", "5"), named("c", "0"),
	} {
		i.Group, i.Name, i.SubGroup, i.Code = "g", "name", i.Collection, fmt.Sprintf("code-%d", n)
		f.create(t, i)
	}
	wantFound(t, f, instance.Query{Kind: idKind()}, []searchCase{
		{"one", instance.Query{Collections: []string{"a"}}, "[10 9 B b]"},
		{"two", instance.Query{Collections: []string{"a", "b"}}, "[10 9 B b 5]"},
		{"two in their order", instance.Query{Collections: []string{"b", "a"}}, "[5 10 9 B b]"},
		{"group in their order", instance.Query{Collections: []string{"b", "a"}, Group: "G"}, "[5 10 9 B b]"},
		{"name in their order", instance.Query{Collections: []string{"c", "a"}, Name: "AM"}, "[0 10 9 B b]"},
		{"another's group", instance.Query{Collections: []string{"b"}, Group: "g", SubGroup: "a"}, "[]"},
		{"own code", instance.Query{Collections: []string{"b"}, Code: "code-4"}, "[5]"},
		{"another's code", instance.Query{Collections: []string{"a"}, Code: "code-4"}, "[]"},
		{"after", instance.Query{Collections: []string{"b", "a"}, After: after("b", "5")}, "[10 9 B b]"},
		{"after in the second", instance.Query{Collections: []string{"b", "a"}, After: after("a", "9")}, "[B b]"},
		{"group after in the second", instance.Query{Collections: []string{"b", "a"}, Group: "g", After: after("a", "9")}, "[B b]"},
		{"group after in the first", instance.Query{Collections: []string{"b", "a"}, Group: "g", After: after("b", "5"), Limit: 3}, "[10 9 B]"},
		{"name after in the second", instance.Query{Collections: []string{"c", "a"}, Name: "n", After: after("a", "B")}, "[b]"},
		{"none", instance.Query{Collections: []string{"d"}}, "[]"},
		{"group in all", instance.Query{Group: "g"}, "[10 9 B b 5 0]"},
		{"code in all", instance.Query{Code: "CODE-5"}, "[0]"},
	})
}

// searchStatus asks for a status, alone and with other texts, in several
// collections.
func searchStatus(t *testing.T, open Opener) {
	f := start(t, open)
	for _, i := range []instance.Instance{
		{Collection: "a", ID: "1", Status: "up", Group: "red", SubGroup: "ann", Name: "first"},
		{Collection: "a", ID: "2", Status: "down", Group: "red", SubGroup: "ann", Name: "second"},
		{Collection: "a", ID: "3", Status: "Up", Group: "red", SubGroup: "bob", Name: "third"},
		// Nothing but a status.
		{Collection: "a", ID: "4", Status: "up"},
		{Collection: "b", ID: "5", Status: "up", Group: "Red", SubGroup: "Bob", Name: "FIRST again", Code: "five"},
		{Collection: "b", ID: "6", Status: "upper", Group: "blue"},
		{Collection: "b", ID: "7", Group: "red", SubGroup: "ann", Name: "first without"},
		{Collection: "b", ID: "8", Status: "caf\u00e9"},
		{Collection: "c", ID: "9", Status: "up", SubGroup: "ann"},
	} {
		i.Kind = idKind()
		f.create(t, i)
	}
	wantFound(t, f, instance.Query{Kind: idKind(), Collections: []string{"a", "b", "c"}}, []searchCase{
		{"alone", instance.Query{Status: "up"}, "[1 4 5 9]"},
		{"another case", instance.Query{Status: "Up"}, "[3]"},
		{"no case at all", instance.Query{Status: "UP"}, "[]"},
		{"no prefix", instance.Query{Status: "u"}, "[]"},
		{"no folding", instance.Query{Status: "cafe\u0301"}, "[]"},
		{"as it is", instance.Query{Status: "caf\u00e9"}, "[8]"},
		{"with group", instance.Query{Status: "up", Group: "RED"}, "[1 5]"},
		{"with group, none", instance.Query{Status: "up", Group: "blue"}, "[]"},
		{"with group, another case", instance.Query{Status: "Up", Group: "red"}, "[3]"},
		{"with subgroup", instance.Query{Status: "up", SubGroup: "ANN"}, "[1 9]"},
		{"with name", instance.Query{Status: "up", Name: "First"}, "[1 5]"},
		{"with group and subgroup", instance.Query{Status: "up", Group: "red", SubGroup: "bob"}, "[5]"},
		{"with group and name", instance.Query{Status: "down", Group: "red", Name: "con"}, "[2]"},
		{"with code", instance.Query{Status: "up", Code: "FIVE"}, "[5]"},
		{"with code, another case", instance.Query{Status: "UP", Code: "five"}, "[]"},
		{"in one collection", instance.Query{Status: "up", Collections: []string{"b"}}, "[5]"},
		{"in their order", instance.Query{Status: "up", Collections: []string{"c", "a"}}, "[9 1 4]"},
		{"limit", instance.Query{Status: "up", Limit: 3}, "[1 4 5]"},
		{"limit of a group", instance.Query{Status: "down", Group: "red", Limit: 1}, "[2]"},
		{"limit of the end of a group", instance.Query{Status: "up", Group: "red", Limit: 2}, "[1 5]"},
		{"limit not reached", instance.Query{Status: "upper", Limit: 3}, "[6]"},
		{"after", instance.Query{Status: "up", After: after("a", "1")}, "[4 5 9]"},
		{"after in the second", instance.Query{Status: "up", After: after("b", "4")}, "[5 9]"},
		{"after and limit", instance.Query{Status: "up", After: after("a", "4"), Limit: 1}, "[5]"},
		{"group after", instance.Query{Status: "up", Group: "red", After: after("a", "1")}, "[5]"},
	})
	wantFound(t, f, instance.Query{Kind: idKind()}, []searchCase{
		{"group needs no collections", instance.Query{Status: "up", Group: "red"}, "[1 5]"},
	})
}

// searchFollowsWrites moves one instance through all of its texts.
func searchFollowsWrites(t *testing.T, open Opener) {
	f := start(t, open)
	still := f.createNumbered(t, instance.Instance{Code: "still", Group: "g1", SubGroup: "s1", Name: "n1"})
	moved := f.createNumbered(t, instance.Instance{Code: "c1", Group: "g1", SubGroup: "s1", Name: "n1"})
	both := fmt.Sprint([]string{still.ID, moved.ID})
	only := fmt.Sprint([]string{moved.ID})
	rest := fmt.Sprint([]string{still.ID})

	expect := func(q instance.Query, want string) {
		t.Helper()
		q.Kind = numberKind()
		if got := fmt.Sprint(f.ids(t, q)); got != want {
			t.Errorf("%+v finds %s, want %s", q, got, want)
		}
	}
	expect(instance.Query{Group: "g1"}, both)
	expect(instance.Query{Group: "g1", SubGroup: "s1"}, both)
	expect(instance.Query{Name: "n1"}, both)

	f.replace(t, moved.Key(), func(i *instance.Instance) {
		i.Code, i.Group, i.SubGroup, i.Name = "c2", "g2", "s2", "n2"
	})
	expect(instance.Query{Code: "c1"}, "[]")
	expect(instance.Query{Group: "g1"}, rest)
	expect(instance.Query{SubGroup: "s1"}, rest)
	expect(instance.Query{Name: "n1"}, rest)
	expect(instance.Query{Code: "c2"}, only)
	expect(instance.Query{Group: "g2"}, only)
	expect(instance.Query{Group: "g2", SubGroup: "s2"}, only)
	expect(instance.Query{Group: "g2", SubGroup: "s1"}, "[]")
	expect(instance.Query{Name: "n2"}, only)

	// A subgroup or a name can also change alone.
	f.replace(t, moved.Key(), func(i *instance.Instance) { i.SubGroup, i.Name = "s3", "n3" })
	expect(instance.Query{Group: "g2", SubGroup: "s2"}, "[]")
	expect(instance.Query{Group: "g2", SubGroup: "s3"}, only)
	expect(instance.Query{Group: "g2", Name: "n3"}, only)

	f.replace(t, moved.Key(), func(i *instance.Instance) { i.Code, i.Group, i.SubGroup, i.Name = "", "", "", "" })
	expect(instance.Query{Code: "c2"}, "[]")
	expect(instance.Query{Group: "g2"}, "[]")
	expect(instance.Query{SubGroup: "s3"}, "[]")
	expect(instance.Query{Name: "n"}, rest)
	expect(instance.Query{}, both)
}

// searchFollowsStatus takes instances with and without other texts through
// several statuses.
func searchFollowsStatus(t *testing.T, open Opener) {
	f := start(t, open)
	bare := f.createNumbered(t, instance.Instance{})
	full := f.createNumbered(t, instance.Instance{Group: "g", SubGroup: "s", Name: "n", Status: "created"})
	expect := func(status, want, wantFull string) {
		t.Helper()
		q := instance.Query{Kind: numberKind(), Status: status}
		if got := fmt.Sprint(f.ids(t, q)); got != want {
			t.Errorf("%q finds %s, want %s", status, got, want)
		}
		for _, q := range []instance.Query{{Group: "g"}, {SubGroup: "s"}, {Name: "n"}, {Group: "g", SubGroup: "s", Name: "n"}} {
			q.Kind, q.Status = numberKind(), status
			if got := fmt.Sprint(f.ids(t, q)); got != wantFull {
				t.Errorf("%+v finds %s, want %s", q, got, wantFull)
			}
		}
	}
	set := func(i instance.Instance, status string) {
		t.Helper()
		f.replace(t, i.Key(), func(i *instance.Instance) { i.Status = status })
	}
	expect("created", "[2]", "[2]")
	set(bare, "created")
	expect("created", "[1 2]", "[2]")
	set(full, "deployed")
	expect("created", "[1]", "[]")
	expect("deployed", "[2]", "[2]")
	set(bare, "deployed")
	set(full, "Deployed")
	expect("created", "[]", "[]")
	expect("deployed", "[1]", "[]")
	expect("Deployed", "[2]", "[2]")
	set(bare, "")
	expect("deployed", "[]", "[]")
	set(full, "")
	expect("Deployed", "[]", "[]")
	set(full, "created")
	set(bare, "created")

	// A deleted instance is never found; a restored one is, as before.
	f.remove(t, bare.Key())
	expect("created", "[2]", "[2]")
	if _, err := f.Restore(t.Context(), bare.Key(), f.change("restore")); err != nil {
		t.Fatal(err)
	}
	expect("created", "[1 2]", "[2]")
}
