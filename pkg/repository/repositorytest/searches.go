package repositorytest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// Searches sends so many random queries, writes in between, and compares every
// answer with that of a plain filter in memory. Each page counts as a query.
//
// The environment can give another number as SEARCH_QUERIES, and as SEARCH_SEED
// what repeats a failure.
func Searches(t *testing.T, open Opener, queries int) {
	seed := rand.Uint64()
	for name, set := range map[string]func(n uint64){
		"SEARCH_QUERIES": func(n uint64) { queries = int(n) },
		"SEARCH_SEED":    func(n uint64) { seed = n },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	f := start(t, open)
	// Each has a kind of its own, so that none may find what another stores.
	const registries = 6
	for n := range registries {
		order := []instance.Order{instance.OrderNumber, instance.OrderID, instance.OrderTime}[n%3]
		kind := instance.Kind{Name: "searched" + string(rune('a'+n)), Order: order, NameSearch: true}
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("SEARCH_QUERIES=%d SEARCH_SEED=%d repeats it", queries, seed)
				}
			})
			s := &searched{T: t, f: f, Rand: rand.New(rand.NewPCG(seed, uint64(n))), kind: kind}
			for range 25 {
				s.create()
			}
			for s.queries < queries/registries {
				s.write()
				s.write()
				for range 10 {
					s.ask()
				}
			}
		})
	}
}

// searched is a registry of one kind, of which everything is known.
type searched struct {
	*testing.T
	*rand.Rand
	f    *fixture
	kind instance.Kind
	// stored are the instances there are, and deleted those in the trash.
	stored, deleted []*plain
	queries         int
}

// plain is an instance, and what a filter compares of it.
type plain struct {
	instance.Instance
	code, group, subGroup, name, sort string
}

func newPlain(i instance.Instance) *plain {
	return &plain{i, fold.String(i.Code), fold.String(i.Group), fold.String(i.SubGroup), fold.String(i.Name), i.SortKey()}
}

// answers returns what q finds, written in the plainest way.
func (s *searched) answers(q instance.Query) []instance.Instance {
	asked := newPlain(instance.Instance{Code: q.Code, Group: q.Group, SubGroup: q.SubGroup, Name: q.Name})
	var found []*plain
	for _, i := range s.stored {
		if (q.Code == "" || i.code == asked.code) &&
			(q.Group == "" || i.group == asked.group) &&
			(q.SubGroup == "" || i.subGroup == asked.subGroup) &&
			(q.Status == "" || i.Status == q.Status) &&
			strings.Contains(i.name, asked.name) &&
			(q.Collections == nil || slices.Contains(q.Collections, i.Collection)) {
			found = append(found, i)
		}
	}
	compare := func(i *plain, collection, sort string) int {
		return cmp.Or(
			cmp.Compare(slices.Index(q.Collections, i.Collection), slices.Index(q.Collections, collection)),
			cmp.Compare(i.Collection, collection),
			cmp.Compare(i.sort, sort),
		)
	}
	slices.SortFunc(found, func(a, b *plain) int { return compare(a, b.Collection, b.sort) })
	var answers []instance.Instance
	for _, i := range found {
		if q.After.SortKey != "" && compare(i, q.After.Collection, q.After.SortKey) <= 0 {
			continue
		}
		if answers = append(answers, i.Instance); len(answers) == q.Limit {
			break
		}
	}
	return answers
}

// ask sends a random query, and often those for its next pages.
func (s *searched) ask() {
	q := s.query()
	for {
		s.queries++
		got, want := s.f.search(s.T, q), s.answers(q)
		if !slices.EqualFunc(got, want, func(a, b instance.Instance) bool {
			return a.Key() == b.Key() && a.Revision() == b.Revision() && a.Name == b.Name
		}) {
			s.Fatalf("%+v finds\n%+v, want\n%+v", q, got, want)
		}
		if q.Limit == 0 || len(got) == 0 || s.IntN(20) == 0 {
			return
		}
		next, err := q.Resume(q.Cursor(got[len(got)-1]))
		if err != nil {
			s.Fatal(err)
		}
		q = next
		if s.IntN(20) == 0 {
			s.write()
		}
	}
}

// query draws a query. Often there is an answer to it.
func (s *searched) query() instance.Query {
	like := s.draw()
	if len(s.stored) > 0 && s.IntN(4) > 0 {
		like = s.any()
	}
	q := instance.Query{Kind: s.kind}
	for _, text := range []struct {
		of    *string
		value string
		times int
	}{
		{&q.Code, s.respell(like.Code), 1},
		{&q.Group, s.respell(like.Group), 4},
		{&q.SubGroup, s.respell(like.SubGroup), 4},
		{&q.Status, like.Status, 4},
		{&q.Name, s.part(like.Name), 6},
	} {
		if s.IntN(12) < text.times {
			*text.of = text.value
		}
	}
	if s.kind.Order != instance.OrderNumber && q.Code == "" && (q.Group == "" || q.Name != "") || s.IntN(3) == 0 {
		q.Collections = s.collections()
	}
	if s.IntN(2) == 0 {
		q.Limit = 1 + s.IntN(6)
	}
	// The instance at the position need not match, nor be there any more.
	if past := slices.Concat(s.stored, s.deleted); s.IntN(6) == 0 {
		i := past[s.IntN(len(past))]
		if q.Collections == nil || slices.Contains(q.Collections, i.Collection) {
			q.After = instance.Position{Collection: i.Collection, SortKey: i.sort}
		}
	}
	return q
}

// collections draws some of the collections, in any order, and maybe one that
// is not in use.
func (s *searched) collections() []string {
	all := []string{"left", "middle", "right"}
	if s.kind.Order == instance.OrderNumber {
		all = []string{instance.Block(1), instance.Block(10_000), instance.Block(20_000), instance.Block(70_000)}
	}
	s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+s.IntN(len(all))]
}

func (s *searched) any() instance.Instance { return s.stored[s.IntN(len(s.stored))].Instance }

// pick draws one of the texts.
func (s *searched) pick(texts ...string) string { return texts[s.IntN(len(texts))] }

// draw draws texts: few, so that they meet, and awkward ones among them.
func (s *searched) draw() instance.Instance {
	// So long that indexes cut it off.
	long := strings.Repeat("long text ", 180)
	return instance.Instance{
		Code:     s.pick("", s.pick("c-", "C-", "größe ", "GRO\u0308ẞE ", "ilik ", "ILıK ", "\u0131\u0307 ")+strconv.Itoa(s.IntN(100)), long+strconv.Itoa(s.IntN(100))),
		Group:    s.pick("", "red", "Red", "redder", "red#one", "re", "Größe", "GRO\u0308ẞE", "ılık", "İLIK", long+"1", long+"2"),
		SubGroup: s.pick("", "ann", "Ann", "bob", "anna", "ς", "Σ", "i", "ı", "i\u0307"),
		Status:   s.pick("", "up", "Up", "upper", "down", "caf\u00e9", "cafe\u0301"),
		Name:     s.name(),
		Owner:    "owner", Active: s.IntN(2) == 0,
	}
}

// name draws a name of up to 300 runes, often like another one.
func (s *searched) name() string {
	runes := s.runes(s.pick("ab", "aAäÄ\u0308", "kK\u212A sSſßẞ", "iI\u0130\u0131\u0307", "αΑιΙ\u0345ᾳσ", "σςΣ%_*-", "日本\U0001F600e\u0301 09"),
		[]int{0, 4, 4, 40, 46, 50, 300}[s.IntN(7)])
	if len(s.stored) > 0 && s.IntN(3) == 0 {
		other := []rune(s.respell(s.any().Name))
		runes = append(other[:s.IntN(len(other)+1)], runes...)
	}
	return string(runes[:min(len(runes), 300)])
}

// runes draws at most so many of the runes.
func (s *searched) runes(of string, most int) []rune {
	from := []rune(of)
	var runes []rune
	for range s.IntN(most + 1) {
		runes = append(runes, from[s.IntN(len(from))])
	}
	return runes
}

// part draws a part of a name, or what is nearly one.
func (s *searched) part(name string) string {
	runes := []rune(s.respell(name))
	runes = runes[s.IntN(len(runes)+1):]
	runes = runes[:min(len(runes), 1+s.IntN(40))]
	if s.IntN(8) == 0 {
		runes = append(runes, s.runes("abß ", 2)...)
	}
	return string(runes)
}

// respell draws another text that is equal ignoring case.
func (s *searched) respell(text string) string {
	if s.IntN(2) == 0 {
		return text
	}
	runes := []rune(norm.NFC.String(text))
	for n := range runes {
		for range s.IntN(3) {
			runes[n] = unicode.SimpleFold(runes[n])
		}
		if strings.ContainsRune("iIİı", runes[n]) {
			runes[n] = []rune("iIİı")[s.IntN(4)]
		}
	}
	return []norm.Form{norm.NFC, norm.NFD}[s.IntN(2)].String(string(runes))
}

// write does a random write, on both sides.
func (s *searched) write() {
	switch most := 100; {
	case len(s.stored) < 20, len(s.stored) < most && s.IntN(3) == 0:
		s.create()
	case s.IntN(3) > 0:
		s.replace()
	case s.IntN(2) == 0 || len(s.deleted) == 0:
		s.remove()
	default:
		s.restore()
	}
}

func (s *searched) create() {
	i := s.draw()
	i.Kind = s.kind
	i.Collection = s.pick("left", "middle", "right")
	at := time.UnixMilli(1_767_323_045_000 + s.Int64N(50)).UTC()
	switch {
	case s.kind.Order == instance.OrderNumber:
		n := s.number()
		i.Collection, i.ID = instance.Block(n), strconv.FormatInt(n, 10)
	case s.kind.Order == instance.OrderTime && s.IntN(2) == 0:
		i.ID = fmt.Sprintf("%08x-%04x-7000-8000-%012x", at.UnixMilli()>>16, at.UnixMilli()&0xffff, s.Uint64()>>16)
	default:
		if s.IntN(10) == 0 {
			at = time.Date(1900, 1, 1, 0, 0, 0, s.IntN(2)*1_000_000, time.UTC)
		}
		i.ID = fmt.Sprint(s.pick("", "B", "b", "ä"), s.IntN(10_000_000))
	}
	i = s.f.fresh(i)
	i.CreatedAt, i.UpdatedAt = at, at
	if s.wrote(s.f.Create(s.Context(), i, s.f.change("create"), nil), i) {
		s.stored = append(s.stored, newPlain(i))
	}
}

// number takes the next number. Now and then it is one of the next block.
func (s *searched) number() int64 {
	n, err := s.f.NextNumber(s.Context(), s.kind)
	if err == nil && s.IntN(40) == 0 && n < 3*instance.BlockSize {
		err = s.f.ReserveNumbers(s.Context(), s.kind, (n/instance.BlockSize+1)*instance.BlockSize-int64(s.IntN(3)))
	}
	if err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *searched) replace() {
	at := s.IntN(len(s.stored))
	before, drawn := s.stored[at].Instance, s.draw()
	after := before
	for _, text := range []struct{ of, value *string }{
		{&after.Code, &drawn.Code},
		{&after.Group, &drawn.Group},
		{&after.SubGroup, &drawn.SubGroup},
		{&after.Status, &drawn.Status},
		{&after.Name, &drawn.Name},
	} {
		if s.IntN(3) == 0 {
			*text.of = *text.value
		}
	}
	stored, err := s.f.Replace(s.Context(), before, after, s.f.change("replace"), nil)
	if s.wrote(err, after) {
		s.stored[at] = newPlain(stored)
	}
}

func (s *searched) remove() {
	at := s.IntN(len(s.stored))
	i := s.stored[at]
	if err := s.f.Delete(s.Context(), i.Key(), s.f.change("delete"), nil, nil); err != nil {
		s.Fatal(err)
	}
	s.deleted = append(s.deleted, i)
	s.stored = slices.Delete(s.stored, at, at+1)
}

func (s *searched) restore() {
	at := s.IntN(len(s.deleted))
	i, err := s.f.Restore(s.Context(), s.deleted[at].Key(), s.f.change("restore"))
	if s.wrote(err, s.deleted[at].Instance) {
		s.deleted = slices.Delete(s.deleted, at, at+1)
		s.stored = append(s.stored, newPlain(i))
	}
}

// wrote reports whether a write of i was done, which only another one with its
// code may forbid.
func (s *searched) wrote(err error, i instance.Instance) bool {
	taken := slices.ContainsFunc(s.stored, func(other *plain) bool {
		return i.Code != "" && other.Key() != i.Key() && other.code == fold.String(i.Code)
	})
	if taken != errors.Is(err, instance.ErrCodeTaken) || !taken && err != nil {
		s.Fatalf("write %+v: %v", i, err)
	}
	return !taken
}
