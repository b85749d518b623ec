package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/repositorytest"
)

// newFormer fills a table as programs of layout 2 did.
func newFormer(t *testing.T, names string) *fixture {
	t.Helper()
	f := newFixture(t)
	must(t, failure(f.NextNumber(t.Context(), numbered()))) // It enters the collection.
	items := []map[string]types.AttributeValue{formerLayout(names, "0")}
	for _, i := range repositorytest.Unequal(numbered()) {
		item, err := dynamo.EncodeFormerItem(i)
		must(t, err)
		items = append(items, item, attributes(map[string]string{
			"pk": "code#numbered#" + dynamo.FormerFold(i.Code), "sk": "guard", "col": i.Collection, "id": i.ID,
		}))
		if names != "" {
			rows, err := dynamo.EncodeFormerNameRows(i)
			must(t, err)
			items = append(items, rows...)
		}
	}
	f.fill(t, items)
	f.Repository = dynamo.New(dynamo.Config{Client: f.table.Client(f.wire.transport), Table: f.table.Name, IndexedNames: true})
	return f
}

// formerLayout is the item of layout 2.
func formerLayout(names, target string) map[string]types.AttributeValue {
	layout := attributes(map[string]string{"pk": "layout", "sk": "layout", "names": names})
	layout["version"], layout["target"] = &types.AttributeValueMemberN{Value: "2"}, &types.AttributeValueMemberN{Value: target}
	return layout
}

// upgraded upgrades the table at once, and returns a repository that knows it, and
// the codes that it made equal.
func (f *fixture) upgraded(t *testing.T) (*dynamo.Repository, []string) {
	t.Helper()
	passed := make(chan time.Time)
	close(passed)
	equal := map[string]bool{}
	report, err := f.other.Upgrade(t.Context(), dynamo.UpgradeOptions{
		Kinds: kinds(), After: func(time.Duration) <-chan time.Time { return passed },
		EqualCodes: func(of []instance.Instance) {
			var codes []string
			for _, i := range of {
				codes = append(codes, i.ID+" "+i.Code)
			}
			slices.Sort(codes)
			equal[strings.Join(codes, ", ")] = true
		},
		Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {},
	})
	if err != nil || report.To != 3 {
		t.Fatalf("the upgrade reports %+v, %v", report, err)
	}
	var all []string
	for codes := range equal {
		all = append(all, codes)
	}
	slices.Sort(all)
	return dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name, IndexedNames: true}), all
}

// An upgrade of a table with layout 2 makes texts equal. Instances whose codes have
// become equal are reported, and keep them until each has left it.
func TestUpgradeMakesCodesEqual(t *testing.T) {
	t.Parallel()
	for _, names := range []string{"", "complete"} {
		t.Run("name rows "+names, func(t *testing.T) {
			t.Parallel()
			f := newFormer(t, names)
			// What was found before, still is.
			for _, test := range []struct {
				query instance.Query
				want  string
			}{
				{instance.Query{Code: "ilik"}, "[2]"},
				{instance.Query{Code: "ılık"}, "[2 3]"},
				{instance.Query{Group: "ILıK GROUP"}, "[2]"},
				{instance.Query{Group: "ıLıK GROUP", Limit: 1}, "[2]"},
				{instance.Query{Group: "ıLıK GROUP"}, "[2 3]"},
				{instance.Query{Group: "İstanbul group", Collections: []string{instance.Block(1), instance.Block(0)}}, "[4 5]"},
				{instance.Query{SubGroup: "καΙ sub"}, "[6]"},
				{instance.Query{Name: "name ı"}, "[2 3 5]"},
				{instance.Query{Name: "ΑΙ"}, "[6]"},
				{instance.Query{Name: "name", Status: "up"}, "[1 2 3 4 5 6]"},
			} {
				test.query.Kind = numbered()
				if got := ids(t, f.Search(t.Context(), test.query)); got != test.want {
					t.Errorf("%+v finds %s, want %s", test.query, got, test.want)
				}
			}
			r, equal := f.upgraded(t)
			if got := fmt.Sprint(equal); got != "[2 ilik, 3 ılık 4 İSTANBUL, 5 istanbul]" {
				t.Errorf("equal are %s", got)
			}
			f.wantGuards(t, repositorytest.Unequal(numbered()))
			if names != "" {
				checkNames(t, f.table, "numbered")
			}
			repositorytest.Equal(t, r, numbered())
			var all []instance.Instance
			for i, err := range r.Search(t.Context(), instance.Query{Kind: numbered()}) {
				must(t, err)
				all = append(all, i)
			}
			f.wantGuards(t, all)
			if names != "" {
				checkNames(t, f.table, "numbered")
			}
		})
	}
}

// An upgrade that an earlier program has begun is begun anew.
func TestUpgradeOfEarlierUpgrade(t *testing.T) {
	t.Parallel()
	f := newFormer(t, "")
	layout := attributes(map[string]string{"pk": "layout", "sk": "layout", "afterpk": "a", "aftersk": "a", "w": "w"})
	layout["version"], layout["target"] = &types.AttributeValueMemberN{Value: "1"}, &types.AttributeValueMemberN{Value: "2"}
	layout["settled"] = &types.AttributeValueMemberBOOL{Value: true}
	f.fill(t, []map[string]types.AttributeValue{layout})
	f.upgraded(t)
	f.wantGuards(t, repositorytest.Unequal(numbered()))
}

// Until an upgrade begins, writes leave what programs of layout 2 find and free.
// While it is under way they know each instance by either form, and what has the
// former one is brought up to date in the end.
func TestWritesToFormer(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"0", "3"} {
		t.Run("target "+target, func(t *testing.T) {
			t.Parallel()
			f := newFormer(t, "complete")
			f.fill(t, []map[string]types.AttributeValue{formerLayout("complete", target)})
			ctx, all := t.Context(), repositorytest.Unequal(numbered())
			recode := func(n int, code string) error {
				after := all[n]
				after.Code, after.Group, after.Name = code, code, code+" ı"
				stored, err := f.Replace(ctx, all[n], after, f.change("replace"), nil)
				if err == nil {
					all[n] = stored
				}
				return err
			}
			// The former form and the new one are taken, each by another instance.
			for _, code := range []string{"ılık", "ilik", "Ilık", "İstanbul"} {
				if err := recode(0, code); !errors.Is(err, instance.ErrCodeTaken) {
					t.Errorf("%s: error is %v", code, err)
				}
			}
			for _, code := range []string{"free", "İlk", "ilk", "ılK"} {
				must(t, recode(0, code))
				must(t, recode(2, code+" 2"))
			}
			form, other := "ıLK", "ILK"
			if target != "0" {
				form, other = other, form
			}
			guards := f.guards(t)
			if got := f.stored(t, "instance#numbered#"+instance.Block(1), "0000000000000000001"); got["fname"] != form+strings.Replace(" ı", "ı", form[:len(form)-2], 1) ||
				got["cpk"] != "numbered#"+form || got["gpk"] != "numbered#"+form || len(guards[form]) != 1 || len(guards[other]) != 0 {
				t.Errorf("stored is %v with the guards %q", got, guards)
			}
			must(t, f.Delete(ctx, all[3].Key(), f.change("delete"), nil, nil))
			must(t, f.Delete(ctx, all[2].Key(), f.change("delete"), nil, nil))
			must(t, failure(f.Restore(ctx, all[2].Key(), f.change("restore"))))
			must(t, f.Delete(ctx, all[0].Key(), f.change("delete"), nil, nil))
			i := f.fresh(7)
			i.Code, i.Name = "ıLK", "ı"
			must(t, f.Create(ctx, i, f.change("create"), nil))
			if _, equal := f.upgraded(t); len(equal) > 0 {
				t.Errorf("equal are %q", equal)
			}
			f.wantGuards(t, []instance.Instance{all[1], all[2], all[4], all[5], i})
			checkNames(t, f.table, "numbered")
		})
	}
}

// A write that did not know of another holder of its code, or of an upgrade that
// folds its name at the same time, tries again.
func TestWritesMeetUpgrade(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(context.Context, *fixture, instance.Instance) error{
		"delete": func(ctx context.Context, f *fixture, i instance.Instance) error {
			return f.Delete(ctx, i.Key(), f.change("delete"), nil, nil)
		},
		"replace": func(ctx context.Context, f *fixture, i instance.Instance) error {
			after := i
			after.Code, after.Name = "other", "other"
			_, err := f.Replace(ctx, i, after, f.change("replace"), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// One gets the guard that the other has.
			for _, i := range repositorytest.Unequal(numbered())[1:3] {
				f := newFormer(t, "complete")
				done := false
				f.wire.inject(func(c call) (*http.Response, error) {
					if c.Operation == "TransactWriteItems" && !done {
						done = true
						f.upgraded(t)
					}
					return c.pass()
				})
				must(t, write(t.Context(), f, i))
				var all []instance.Instance
				for i, err := range f.other.Search(t.Context(), instance.Query{Kind: numbered()}) {
					must(t, err)
					all = append(all, i)
				}
				f.wantGuards(t, all)
				checkNames(t, f.table, "numbered")
			}
		})
	}
}

// Texts are folded as layout 2 has them.
func TestFormerFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ilik": "ILIK", "ılık": "ıLıK", "İ": "İ", "straße ΣΊΣΥΦΟΣ": "STRAßE ΣΊΣΥΦΟΣ", "και": "Κ\u1fb3", "e\u0301": "É", "ſ\u0301": "Ś",
	} {
		if got := dynamo.FormerFold(text); got != want {
			t.Errorf("%q folded to %q, want %q", text, got, want)
		}
	}
}
