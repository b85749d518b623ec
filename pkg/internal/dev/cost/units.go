package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"instances/pkg/template"
)

// units are request units of DynamoDB, of the table and its indexes together.
type units struct{ read, write float64 }

func (u units) plus(v units) units { return units{u.read + v.read, u.write + v.write} }

// What AWS rounds up to.
const (
	writeUnitBytes = 1 << 10
	readUnitBytes  = 4 << 10
)

// transactional is how often a transaction counts what it writes to a table:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
//
// What follows from it in the indexes is not in the transaction, and counts
// once, as was measured on DynamoDB: https://github.com/nubo-db/dynoxide/pull/188
const transactional = 2

// call is one request to DynamoDB and its answer.
type call struct {
	// action is such as GetItem.
	action          string
	request, answer []byte
	status          int
	// before and after are the items of the keys of the request, in their
	// order, around it; nil for one that is not there. After is the same as
	// before where the request only reads.
	before, after []item
}

// parameters are those of all actions that the functions use.
type parameters struct {
	TableName      string
	Key, Item      item
	ConsistentRead bool
	RequestItems   map[string]struct {
		Keys           []item
		ConsistentRead bool
	}
	// Each has one member: Put, Update, Delete or ConditionCheck.
	TransactItems []map[string]struct{ Key, Item item }
}

func parse(request []byte) (parameters, error) {
	var p parameters
	if err := json.Unmarshal(request, &p); err != nil {
		return p, fmt.Errorf("decode a request: %w", err)
	}
	return p, nil
}

// keys returns the keys of the items that a request reads or writes, beside
// those that a query finds.
func (p parameters) keys(table template.Table) []item {
	keyOf := func(key, whole item) item {
		if key != nil {
			return key
		}
		return item{table.Key.Partition: whole[table.Key.Partition], table.Key.Sort: whole[table.Key.Sort]}
	}
	var keys []item
	if p.Key != nil || p.Item != nil {
		keys = append(keys, keyOf(p.Key, p.Item))
	}
	for _, batch := range p.RequestItems {
		keys = append(keys, batch.Keys...)
	}
	for _, part := range p.TransactItems {
		for _, one := range part {
			keys = append(keys, keyOf(one.Key, one.Item))
		}
	}
	return keys
}

// charge returns what AWS charges for a call. An action that is not known is
// an error: nothing is left out.
func charge(table template.Table, c call) (units, error) {
	if c.status != http.StatusOK && !refused(c) {
		return units{}, nil
	}
	p, err := parse(c.request)
	if err != nil {
		return units{}, err
	}
	switch c.action {
	case "GetItem":
		return reads(c.before, p.ConsistentRead)
	case "BatchGetItem":
		consistent := false
		for _, batch := range p.RequestItems {
			consistent = consistent || batch.ConsistentRead
		}
		return reads(c.before, consistent)
	case "Query":
		return query(c.answer, p.ConsistentRead)
	case "PutItem", "UpdateItem", "DeleteItem":
		return writes(table, c, 1)
	case "TransactWriteItems":
		return writes(table, c, transactional)
	default:
		return units{}, fmt.Errorf("what %s costs is not known", c.action)
	}
}

// refused reports whether a write failed for its condition, which is charged.
func refused(c call) bool {
	var answer struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal(c.answer, &answer) != nil {
		return false
	}
	_, name, _ := strings.Cut(answer.Type, "#")
	return name == "ConditionalCheckFailedException" || name == "TransactionCanceledException"
}

// reads charges each item by itself. One that is not there costs as a small
// one does.
func reads(items []item, consistent bool) (units, error) {
	var total units
	for _, i := range items {
		n, err := i.size()
		if err != nil {
			return units{}, err
		}
		total.read += consistency(float64(blocks(n, readUnitBytes)), consistent)
	}
	return total, nil
}

func consistency(blocks float64, consistent bool) float64 {
	if consistent {
		return blocks
	}
	return blocks / 2
}

// query takes the number of the engine, which rounds the sum of all that a
// query looked at, as AWS does. One that looked at nothing costs as well.
func query(answer []byte, consistent bool) (units, error) {
	var a struct {
		ConsumedCapacity *struct{ CapacityUnits float64 }
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return units{}, fmt.Errorf("decode the answer to a query: %w", err)
	}
	if a.ConsumedCapacity == nil {
		return units{}, errors.New("a query did not ask for what it consumes")
	}
	return units{read: max(a.ConsumedCapacity.CapacityUnits, consistency(1, consistent))}, nil
}

// writes charges each item by the larger of what was there and what is there,
// and each index by what changes in it.
func writes(table template.Table, c call, factor float64) (units, error) {
	if len(c.after) != len(c.before) {
		return units{}, fmt.Errorf("%d items became %d", len(c.before), len(c.after))
	}
	var total units
	for k := range c.before {
		before, err := c.before[k].size()
		if err != nil {
			return units{}, err
		}
		after, err := c.after[k].size()
		if err != nil {
			return units{}, err
		}
		total.write += factor * float64(blocks(max(before, after), writeUnitBytes))
		for _, index := range table.Indexes {
			n, err := indexWrites(entry(table, index, c.before[k]), entry(table, index, c.after[k]), index.Key)
			if err != nil {
				return units{}, err
			}
			total.write += float64(n)
		}
	}
	return total, nil
}

// indexWrites is what it takes to replace an entry of an index:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
func indexWrites(before, after item, key template.Key) (int, error) {
	was, err := before.size()
	if err != nil {
		return 0, err
	}
	is, err := after.size()
	if err != nil {
		return 0, err
	}
	switch {
	case reflect.DeepEqual(before, after):
		return 0, nil
	case before == nil:
		return blocks(is, writeUnitBytes), nil
	case after == nil:
		return blocks(was, writeUnitBytes), nil
	case reflect.DeepEqual(before[key.Partition], after[key.Partition]) && reflect.DeepEqual(before[key.Sort], after[key.Sort]):
		return blocks(max(was, is), writeUnitBytes), nil
	default:
		// A removal and an addition.
		return blocks(was, writeUnitBytes) + blocks(is, writeUnitBytes), nil
	}
}

// entry returns what an index has of an item, or nil.
func entry(table template.Table, index template.Index, i item) item {
	if i[index.Key.Partition] == nil || index.Key.Sort != "" && i[index.Key.Sort] == nil {
		return nil
	}
	projected := []string{table.Key.Partition, table.Key.Sort, index.Key.Partition, index.Key.Sort}
	projected = append(projected, index.NonKeyAttributes...)
	e := item{}
	for name, v := range i {
		if index.Projection == "ALL" || slices.Contains(projected, name) {
			e[name] = v
		}
	}
	return e
}

// blocks rounds up, to at least one.
func blocks(bytes, block int) int { return max(1, (bytes+block-1)/block) }
