package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

const (
	// maxSuffixes is how many runes a folded name may have for each of its
	// suffixes to have a row. The rows of two such names, with all else that a
	// rename writes, fit into the 100 items of a transaction.
	maxSuffixes = 45
	// maxSuffixBytes cuts suffixes, so that the longest collection and id fit into
	// the sort key with them.
	maxSuffixBytes = maxSortBytes - maxKeyBytes - maxSortExtra - 2*len(nul)
)

// What the partitions of name rows start with.
const (
	suffixRows   = "name#"
	longNameRows = "longname#"
)

// nameRow leads from a part of a name to the instance. A name of up to
// maxSuffixes runes has one for each of its suffixes, and a longer one a single
// row among those of all long names.
type nameRow struct {
	itemKey
	// Suffix is how many bytes of the sort key are of the name.
	Suffix int `dynamodbav:"n,omitempty"`
	// Name is the folded name, in a row of a long name.
	Name string `dynamodbav:"fname,omitempty"`
}

// suffixPartition is the partition of the suffixes that start with the rune that
// the folded text starts with.
func suffixPartition(kind instance.Kind, folded string) string {
	_, size := utf8.DecodeRuneInString(folded)
	return suffixRows + kind.Name + "#" + folded[:size]
}

// longNamePartition is the partition of the long names of the kind.
func longNamePartition(kind instance.Kind) string { return longNameRows + kind.Name }

// cutSuffix returns what a sort key holds of a suffix, or of a text that suffixes
// are searched for.
func cutSuffix(s string) string { return cut(s, maxSuffixBytes) }

// nameRows returns the rows of the instance, given its folded name.
func nameRows(i instance.Instance, name string) []nameRow {
	if name == "" || !i.Kind.NameSearch {
		return nil
	}
	place := joined(i.Collection, i.SortKey())
	if utf8.RuneCountInString(name) > maxSuffixes {
		return []nameRow{{itemKey: itemKey{longNamePartition(i.Kind), place}, Name: name}}
	}
	rows := make([]nameRow, 0, len(name))
	for n := range name {
		suffix := cutSuffix(name[n:])
		row := nameRow{itemKey: itemKey{suffixPartition(i.Kind, suffix), joined(suffix, place)}, Suffix: len(suffix)}
		// Suffixes that repeat a letter may be equal once they are cut. They are
		// neighbours then.
		if len(rows) == 0 || rows[len(rows)-1] != row {
			rows = append(rows, row)
		}
	}
	return rows
}

// target returns the key of the item of the instance that a row leads to.
func (n nameRow) target(kind instance.Kind) (itemKey, error) {
	place := n.SK
	if n.Suffix > 0 {
		if n.Suffix+len(nul) > len(place) {
			return itemKey{}, fmt.Errorf("name row %q has no suffix of %d bytes", n.SK, n.Suffix)
		}
		place = place[n.Suffix+len(nul):]
	}
	collection, sortKey, ok := strings.Cut(place, nul)
	if !ok {
		return itemKey{}, fmt.Errorf("name row %q leads nowhere", n.SK)
	}
	return itemKey{partition(kind, collection), sortKey}, nil
}

// nameRows returns the rows that the instance gets.
func (w *transaction) nameRows(i instance.Instance) []nameRow {
	return nameRows(i, w.layout.fold(i.Name))
}

// stored returns the name rows of an instance that was read, the condition that it
// is still as it was then, and what it means if that fails. It reads how the name
// is folded where it may be in either way.
func (w *transaction) stored(ctx context.Context, i instance.Instance) (rows []nameRow, same expression.ConditionBuilder, refused refusal) {
	same, refused = unchanged(i), w.r.changed(ctx, i.Key())
	if !w.layout.dropsNames || len(w.layout.forms(i.Name)) == 1 {
		return w.nameRows(i), same, refused
	}
	folded := func(stored item) string { return textOf(stored[foldedName]) }
	read, err := w.r.getItem(ctx, itemKey{partition(i.Kind, i.Collection), i.SortKey()})
	w.fail(err)
	return nameRows(i, folded(read)), same.And(expression.Name(foldedName).Equal(expression.Value(folded(read)))),
		func(stored item) error {
			if len(stored) > 0 && folded(stored) != folded(read) {
				return errMoved
			}
			return refused(stored)
		}
}

// keepNames removes the name rows that are gone and stores those that are made, if
// the table has such rows. Rows that are both are not written.
func (w *transaction) keepNames(gone, made []nameRow) {
	if !w.layout.dropsNames {
		return
	}
	for _, row := range gone {
		if !slices.ContainsFunc(made, func(m nameRow) bool { return m.itemKey == row.itemKey }) {
			w.removeRow(row.itemKey)
		}
	}
	for _, row := range made {
		if w.layout.keepsNames && !slices.Contains(gone, row) {
			w.putRow(row)
		}
	}
}

// putRow stores a name row, whether or not it is there.
func (w *transaction) putRow(row nameRow) {
	attributes, err := attributevalue.MarshalMap(row)
	w.fail(err)
	w.add(nil, types.TransactWriteItem{Put: &types.Put{TableName: &w.r.table, Item: attributes}})
}

// removeRow removes a name row, whether or not it is there.
func (w *transaction) removeRow(key itemKey) {
	w.add(nil, types.TransactWriteItem{Delete: &types.Delete{TableName: &w.r.table, Key: key.attributes()}})
}
