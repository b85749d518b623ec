package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// guardItem makes a code unique. It names the instance that has the code.
type guardItem struct {
	itemKey
	Collection string `dynamodbav:"col"`
	ID         string `dynamodbav:"id"`
	// Others are further instances that have the code, each as in [holder]: an
	// upgrade made their codes equal. When the first one leaves the code, the
	// guard is of the next.
	Others []string `dynamodbav:"others,omitempty"`
}

// errMoved reports that a guard has other holders than a write assumed, or that an
// upgrade has changed how a name is folded. Nothing was changed.
var errMoved = errors.New("the guard of a code, or a folded name, is another one")

// carefully calls write, and again where that has assumed too much: write then is
// to read first.
func carefully(ctx context.Context, operation string, write func(again bool) error) error {
	for attempt := range repository.Attempts(ctx) {
		if err := write(attempt > 0); !errors.Is(err, errMoved) {
			return err
		}
	}
	return repository.Busy(operation)
}

// holder is how a guard names an instance.
func holder(k instance.Key) string { return joined(k.Collection, k.ID) }

// newGuard returns the guard of a folded code with those holders.
func newGuard(kind instance.Kind, form string, holders ...string) guardItem {
	collection, id, _ := strings.Cut(holders[0], nul)
	g := guardItem{itemKey: guardKey(kind, form), Collection: collection, ID: id}
	if len(holders) > 1 {
		// A list that is empty would be stored too.
		g.Others = holders[1:]
	}
	return g
}

// holders returns whose guard it is: nobody's if it is not there.
func (g guardItem) holders() []string {
	if g.ID == "" {
		return nil
	}
	return append([]string{joined(g.Collection, g.ID)}, g.Others...)
}

// unchanged is the condition that the stored guard is g.
func (g guardItem) unchanged() expression.ConditionBuilder {
	others := expression.Name("others")
	same := expression.AttributeNotExists(others)
	if len(g.Others) > 0 {
		same = others.Equal(expression.Value(g.Others))
	}
	return expression.Name("col").Equal(expression.Value(g.Collection)).
		And(expression.Name("id").Equal(expression.Value(g.ID))).And(same)
}

// readGuard returns the guard of a folded code.
func (r *Repository) readGuard(ctx context.Context, kind instance.Kind, form string) (guardItem, error) {
	attributes, err := r.getItem(ctx, guardKey(kind, form))
	if err != nil {
		return guardItem{}, err
	}
	return decode[guardItem](attributes)
}

// codeForms returns the forms under which the code of the instance, if it has one,
// may be guarded.
func (w *transaction) codeForms(i instance.Instance) []string {
	if i.Code == "" {
		return nil
	}
	return w.layout.forms(i.Code)
}

// moveCode guards the code of after and no longer that of before; either may be
// zero. It is refused with [instance.ErrCodeTaken], or with [errMoved] where it has
// assumed that before is the only holder, which it does unless the code may be
// guarded in another form, or it is called again.
func (w *transaction) moveCode(ctx context.Context, before, after instance.Instance, again bool) {
	from, to := w.codeForms(before), w.codeForms(after)
	if before.Code == after.Code || len(from) == 1 && slices.Equal(from, to) {
		return
	}
	i := after
	if i.ID == "" {
		i = before
	}
	held := map[string]guardItem{}
	for _, form := range from {
		guard := newGuard(i.Kind, form, holder(i.Key()))
		if again || len(from) > 1 {
			var err error
			guard, err = w.r.readGuard(ctx, i.Kind, form)
			w.fail(err)
		}
		if slices.Contains(guard.holders(), holder(i.Key())) {
			held[form] = guard
		}
	}
	switch {
	case len(from) == 0 || len(held) > 0:
	case again:
		w.fail(fmt.Errorf("no guard of the code names %s", i.Key()))
	default:
		// An upgrade may have moved the guard between the reads.
		w.fail(errMoved)
	}
	taken := func(guard guardItem) bool {
		return guard.ID != "" && !slices.Contains(guard.holders(), holder(i.Key()))
	}
	for n, form := range to {
		switch _, ok := held[form]; {
		case ok && n == 0:
			delete(held, form)
		case ok:
		case n == 0:
			w.put(newGuard(i.Kind, form, holder(i.Key())), absent(), func(stored item) error {
				guard, err := decode[guardItem](stored)
				if err == nil && before.ID != "" && !taken(guard) {
					err = errMoved
				}
				return cmp.Or(err, instance.ErrCodeTaken)
			})
		default:
			// Only an upgrade that has just begun has others put this guard at the
			// same time.
			guard, err := w.r.readGuard(ctx, i.Kind, form)
			if err == nil && taken(guard) {
				err = instance.ErrCodeTaken
			}
			w.fail(err)
		}
	}
	for _, form := range from {
		if guard, ok := held[form]; ok {
			w.leave(i.Kind, form, guard, holder(i.Key()))
		}
	}
}

// leave removes a holder of a guard, and the guard with the last one.
func (w *transaction) leave(kind instance.Kind, form string, guard guardItem, who string) {
	rest := slices.DeleteFunc(guard.holders(), func(other string) bool { return other == who })
	if len(rest) == 0 {
		w.remove(guard.itemKey, guard.unchanged(), is(errMoved))
		return
	}
	w.put(newGuard(kind, form, rest...), guard.unchanged(), is(errMoved))
}
