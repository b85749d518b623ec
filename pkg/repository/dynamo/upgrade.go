package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"instances/pkg/fold"
	"instances/pkg/instance"
	"instances/pkg/repository"
	"instances/pkg/repository/capacity"
)

const (
	// layoutWait is how long it takes until every process knows a new layout, and
	// until what began with the old one is over.
	layoutWait = layoutFresh + layoutUse + 5*time.Second
	// maxUpgraders is how many transactions an upgrade makes at the same time.
	maxUpgraders = 16
	// maxInstances is how many instances an upgrade brings up to date one after the
	// other.
	maxInstances = 4
	// maxTransaction is how many items a transaction has at most.
	maxTransaction = 100
)

// ErrUpgrading reports that another upgrade is under way.
var ErrUpgrading = errors.New("another upgrade has changed the layout meanwhile")

// NameRows says what an upgrade does about the name rows of a table.
type NameRows int

const (
	// LeaveNames keeps the rows of a table that has some, adds none to one that has
	// none, and ends what was interrupted.
	LeaveNames NameRows = iota
	// AddNames adds the rows.
	AddNames
	// RemoveNames removes them.
	RemoveNames
)

// UpgradeOptions is what an upgrade needs.
type UpgradeOptions struct {
	// Kinds are those of which there are instances.
	Kinds []instance.Kind
	Names NameRows
	// WriteUnits is how many units the upgrade writes a second on average, so that
	// it leaves some to others; 0 means as many as it can.
	WriteUnits int
	// After is [time.After].
	After func(time.Duration) <-chan time.Time
	// EqualCodes is told instances whose codes the upgrade makes equal, in some
	// order and maybe more than once; nil means that nobody is. All of them keep
	// their code and can be changed, and no other instance can take it until the
	// last of them has left it.
	EqualCodes func([]instance.Instance)
	// Progress is told each step of the work, and how far it is; never nil.
	Progress func(step UpgradeStep, done UpgradeReport)
}

// UpgradeStep is what an upgrade is doing.
type UpgradeStep string

const (
	// StepWaiting is the wait, of a minute and a half, until every process knows
	// what is about to happen.
	StepWaiting UpgradeStep = "waiting"
	// StepFilling brings instances up to date.
	StepFilling UpgradeStep = "filling"
	// StepRemoving removes name rows.
	StepRemoving UpgradeStep = "removing"
)

// UpgradeReport says what an upgrade has done, counting anew after an
// interruption.
type UpgradeReport struct {
	// From is the layout that the table had, and To the one that it has.
	From int `json:"from"`
	To   int `json:"to"`
	// NameRows says whether the table has name rows that are complete.
	NameRows bool `json:"nameRows"`
	// Read is the number of instances that were looked at, and Changed that of
	// those which were not up to date.
	Read    int `json:"read"`
	Changed int `json:"changed"`
	// Removed is the number of name rows that were removed.
	Removed int `json:"removed"`
}

// Upgrade brings a table to the newest layout while it is in use, and adds or
// removes its name rows. It scans the table: it is for operators. Where it is
// interrupted, the next one goes on. A second one at the same time makes the first
// fail with [ErrUpgrading], and does no harm.
//
// No process older than the newest layout may write to the table any more.
func (r *Repository) Upgrade(ctx context.Context, o UpgradeOptions) (UpgradeReport, error) {
	u := &upgrade{r: r, UpgradeOptions: o}
	if err := u.run(ctx); err != nil {
		return u.report, fmt.Errorf("upgrade table %s: %w", r.table, err)
	}
	return u.report, nil
}

// upgrade is one upgrade under way.
type upgrade struct {
	UpgradeOptions
	r      *Repository
	stored layoutItem
	mu     sync.Mutex
	report UpgradeReport
}

// run takes one step after another until the table is as it should be.
func (u *upgrade) run(ctx context.Context) error {
	var err error
	if u.stored, err = u.r.readLayout(ctx); err != nil {
		return err
	}
	u.report.From = u.stored.Version
	for more := true; more; {
		if err := u.r.checkLayout(u.stored); err != nil {
			return err
		}
		u.report.To, u.report.NameRows = u.stored.Version, u.stored.Names == namesComplete
		var next layoutItem
		if next, more, err = u.step(ctx); err == nil && more {
			err = u.store(ctx, next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step returns the layout that the table gets next, if there is one. Where that
// takes some work, it does the work first.
func (u *upgrade) step(ctx context.Context) (next layoutItem, more bool, err error) {
	next = u.stored.at(itemKey{}, false)
	switch names := u.stored.Names; {
	case u.stored.Target != 0 && u.stored.Target < layoutVersion:
		// An earlier program was on its way to an earlier layout.
		next.Target = layoutVersion
	case names == namesNone && u.Names == AddNames:
		next.Names = namesPreparing
	case names == namesPreparing && u.Names == RemoveNames:
		next.Names = namesNone
	case names == namesPreparing && u.stored.Settled:
		next.Names, next.Target = namesFilling, layoutVersion
	case names == namesComplete && u.Names == RemoveNames:
		next.Names = namesLeaving
	case names == namesLeaving && u.Names == AddNames:
		next.Names = namesComplete
	case names == namesLeaving && u.stored.Settled, names == namesFilling && u.Names == RemoveNames:
		next.Names = namesRemoving
	case names == namesPreparing, names == namesFilling, names == namesLeaving, names == namesRemoving, u.stored.Target != 0:
		next, err = u.work(ctx)
	case u.stored.Version < layoutVersion:
		next.Target = layoutVersion
	default:
		return next, false, nil
	}
	return next, true, err
}

// work does what the stored layout announces, and returns the one after that.
func (u *upgrade) work(ctx context.Context) (layoutItem, error) {
	next := u.stored
	if !next.Settled {
		u.Progress(StepWaiting, u.report)
		next.Settled = true
		return next, u.wait(ctx, layoutWait)
	}
	var err error
	if next.Names == namesRemoving {
		err = u.remove(ctx)
		next.Names = namesNone
	} else {
		err = u.fill(ctx)
		next.Version, next.Target = layoutVersion, 0
		if next.Names == namesFilling {
			next.Names = namesComplete
		}
	}
	return next.at(itemKey{}, false), err
}

// store makes next the layout of the table, unless somebody else has changed it.
func (u *upgrade) store(ctx context.Context, next layoutItem) error {
	same := expression.AttributeNotExists(expression.Name("w"))
	if u.stored.Write != "" {
		same = expression.Name("w").Equal(expression.Value(u.stored.Write))
	}
	next.Write = rand.Text()
	w := u.r.transaction("change the layout")
	w.put(next, same, nil)
	if _, err := w.repeat(ctx); err != nil {
		return err
	}
	var err error
	if u.stored, err = u.r.readLayout(ctx); err == nil && u.stored.Write != next.Write {
		err = ErrUpgrading
	}
	return err
}

// each does work on the items of pages, on size of them at once, several times at
// the same time, and stores how far it is after each batch.
func (u *upgrade) each(ctx context.Context, step UpgradeStep, pages iter.Seq2[[]item, error], size int, work func(context.Context, []item) error) error {
	for items, err := range pages {
		if err != nil {
			return err
		}
		for batch := range slices.Chunk(items, maxUpgraders*size) {
			err := u.paced(ctx, func(ctx context.Context) error {
				workers, ctx := errgroup.WithContext(ctx)
				for some := range slices.Chunk(batch, size) {
					workers.Go(func() error { return work(ctx, some) })
				}
				return workers.Wait()
			})
			if err != nil {
				return err
			}
			last, err := decode[itemKey](batch[len(batch)-1])
			if err == nil {
				err = u.store(ctx, u.stored.at(last, true))
			}
			if err != nil {
				return err
			}
			u.Progress(step, u.report)
		}
	}
	return nil
}

// paced does a batch of the work, and then waits for as long as its write units
// take. If another upgrade is under way too, the batch is over before that does
// anything else.
func (u *upgrade) paced(ctx context.Context, batch func(context.Context) error) error {
	begin := u.r.now()
	batchCtx, cancel := context.WithTimeout(ctx, layoutFresh)
	defer cancel()
	batchCtx, meter := capacity.WithMeter(batchCtx)
	if err := batch(batchCtx); err != nil {
		return err
	}
	if u.WriteUnits == 0 {
		return nil
	}
	due := time.Duration(meter.Total().WriteUnits / float64(u.WriteUnits) * float64(time.Second))
	return u.wait(ctx, due-u.r.now().Sub(begin))
}

// wait waits for d.
func (u *upgrade) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-u.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fill gives instances what the layout asks for.
func (u *upgrade) fill(ctx context.Context) error {
	return u.each(ctx, StepFilling, u.r.scan(ctx, ofKinds(u.Kinds), u.stored.start()), maxInstances, func(ctx context.Context, items []item) error {
		changed := 0
		for _, i := range items {
			lacking, err := u.bring(ctx, i)
			if err != nil {
				return err
			}
			if lacking {
				changed++
			}
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.report.Read += len(items)
		u.report.Changed += changed
		return nil
	})
}

// bring gives an instance the index keys and name rows that it lacks, and reports
// whether it did. Where it was written since it was read, it is read again: such a
// write has not touched the rows of a name that stays.
func (u *upgrade) bring(ctx context.Context, stored item) (lacking bool, err error) {
	key, err := decode[itemKey](stored)
	if err != nil {
		return false, err
	}
	for range repository.Attempts(ctx) {
		var refused bool
		if lacking, refused, err = u.bringOnce(ctx, stored); err != nil || !refused {
			return lacking, err
		}
		if stored, err = u.r.getItem(ctx, key); err != nil || len(stored) == 0 {
			return false, err
		}
	}
	return false, repository.Busy("upgrade " + key.PK + " " + key.SK)
}

// bringOnce is bring for an instance that is as it was read, and refused for any
// other.
func (u *upgrade) bringOnce(ctx context.Context, stored item) (lacking, refused bool, err error) {
	i, err := readAny(u.Kinds, stored)
	if err != nil {
		return false, false, err
	}
	wanted, err := newItem(i, layout{})
	if err != nil {
		return false, false, fmt.Errorf("%s: %w", i.Key(), err)
	}
	w := u.r.transaction("upgrade " + i.Key().String())
	attributes, err := attributevalue.MarshalMap(wanted)
	w.fail(err)
	differs := func(name string) bool { return textOf(stored[name]) != textOf(attributes[name]) }
	if lacking = slices.ContainsFunc(assigned(), differs); lacking {
		w.update(wanted.itemKey, w.assign(wanted, nil), unchanged(i), nil)
	} else {
		w.check(wanted.itemKey, unchanged(i))
	}
	was, made := nameRows(i, textOf(stored[foldedName])), nameRows(i, fold.String(i.Name))
	w.layout.dropsNames, w.layout.keepsNames = u.stored.Names != namesNone, u.stored.Names == namesComplete
	w.keepNames(was, made)
	if u.stored.Names == namesFilling {
		for _, row := range made {
			w.putRow(row)
		}
	}
	holders := w.shareCode(ctx, i)
	if lacking = lacking || len(w.changes) > 1; lacking || w.err != nil {
		refused, err = w.repeat(ctx)
	}
	if err == nil && !refused && len(holders) > 1 {
		err = u.tellEqual(ctx, i.Kind, holders)
	}
	return lacking, refused, err
}

// shareCode moves the guard of a code from the form of layout 2, or joins the
// guard that others have already. It returns the holders, or nothing where the
// form is the same.
func (w *transaction) shareCode(ctx context.Context, i instance.Instance) []string {
	forms := layout{mixed: true}.forms(i.Code)
	if len(forms) == 1 {
		return nil
	}
	now, err := w.r.readGuard(ctx, i.Kind, forms[0])
	w.fail(err)
	former, err := w.r.readGuard(ctx, i.Kind, forms[1])
	w.fail(err)
	who, holders := holder(i.Key()), now.holders()
	if slices.Contains(former.holders(), who) {
		w.leave(i.Kind, forms[1], former, who)
	}
	if !slices.Contains(holders, who) {
		same := now.unchanged()
		if len(holders) == 0 {
			same = absent()
		}
		holders = append(holders, who)
		w.put(newGuard(i.Kind, forms[0], holders...), same, nil)
	}
	return holders
}

// tellEqual tells that the holders of a guard have the same code.
func (u *upgrade) tellEqual(ctx context.Context, kind instance.Kind, holders []string) error {
	var of []instance.Instance
	for _, who := range holders {
		collection, id, _ := strings.Cut(who, nul)
		switch i, err := u.r.Get(ctx, instance.Key{Kind: kind, Collection: collection, ID: id}); {
		case err == nil:
			of = append(of, i)
		case !errors.Is(err, instance.ErrNotFound):
			return err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.EqualCodes != nil {
		u.EqualCodes(of)
	}
	return nil
}

// textOf returns an attribute that is a text, and "" for any other.
func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// remove removes all name rows.
func (u *upgrade) remove(ctx context.Context) error {
	rows := expression.Name("pk").BeginsWith(suffixRows).Or(expression.Name("pk").BeginsWith(longNameRows))
	return u.each(ctx, StepRemoving, u.r.scan(ctx, rows, u.stored.start()), maxTransaction, func(ctx context.Context, items []item) error {
		w := u.r.transaction("remove name rows")
		for _, i := range items {
			key, err := decode[itemKey](i)
			w.fail(err)
			w.removeRow(key)
		}
		if _, err := w.repeat(ctx); err != nil {
			return err
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.report.Removed += len(items)
		return nil
	})
}
