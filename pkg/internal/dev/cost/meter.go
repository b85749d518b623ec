package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// usage is what was used between two looks at a meter.
type usage struct {
	// calls are those of DynamoDB.
	calls float64
	// read and write are request units of the table and its indexes.
	read, write float64
	// busy is the time during which a call was under way, and waits how long
	// the same calls are assumed to take on AWS, both in milliseconds.
	busy, waits float64
}

func (u usage) minus(v usage) usage {
	return usage{u.calls - v.calls, u.read - v.read, u.write - v.write, u.busy - v.busy, u.waits - v.waits}
}

// meter is the transport between the functions and an engine. It adds up what
// AWS would charge, and is safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	used  usage
	err   error
	open  int
	since time.Time
	// wait is the longest of the calls that are under way together.
	wait float64
}

// take returns what was used since the last time.
func (m *meter) take() (usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.used, m.err
	m.used, m.err = usage{}, nil
	if m.open > 0 {
		err = errors.Join(err, errors.New("a call of DynamoDB is still under way"))
	}
	return u, err
}

// RoundTrip makes a call.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	// Only this report tells the indexes from the table. The engine does not
	// check signatures.
	request = bytes.Replace(request, []byte(`"ReturnConsumedCapacity":"TOTAL"`), []byte(`"ReturnConsumedCapacity":"INDEXES"`), 1)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(request)), int64(len(request))
	m.enter()
	response, err := http.DefaultTransport.RoundTrip(r)
	var answer []byte
	if err == nil {
		answer, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(answer))
	}
	var read, write float64
	switch {
	case err != nil:
	case response.StatusCode != http.StatusOK:
		// AWS charges for some refusals; no operation that is measured meets one.
		m.leave(action, 0, 0, fmt.Errorf("%s is refused: %s", action, answer))
		return response, nil
	default:
		read, write, err = units(action, request, answer)
	}
	m.leave(action, read, write, err)
	return response, err
}

func (m *meter) enter() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open == 0 {
		m.since, m.wait = time.Now(), 0
	}
	m.open++
}

func (m *meter) leave(action string, read, write float64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := float64(readWait)
	if strings.HasPrefix(action, "Transact") {
		wait = transactionWait
	}
	m.wait = max(m.wait, wait)
	m.used.calls++
	m.used.read += read
	m.used.write += write
	m.err = errors.Join(m.err, err)
	m.open--
	if m.open == 0 {
		m.used.busy += milliseconds(time.Since(m.since))
		m.used.waits += m.wait
	}
}

// units returns what AWS charges for a call that succeeded: what the engine
// reports, except that
//   - a read that finds nothing costs as a small item does, and a batch rounds
//     each item:
//     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
//   - a transaction counts each item twice for each KB begun, where the engine
//     rounds the sum. An item that is updated, deleted or checked counts as one
//     KB: [measurement.stored] makes sure that none has more. See
//     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
//   - the entries of indexes that follow from a transaction are not in it, and
//     count once, where the engine counts twice. This was measured on DynamoDB:
//     https://github.com/nubo-db/dynoxide/pull/188
//
// An action that is not known is an error: nothing is left out.
func units(action string, request, answer []byte) (read, write float64, err error) {
	type batch struct {
		Keys           []json.RawMessage
		ConsistentRead bool
	}
	var in struct {
		ConsistentRead bool
		RequestItems   map[string]batch
		// Each has one member: Put, Update, Delete or ConditionCheck.
		TransactItems []map[string]struct{ Item json.RawMessage }
	}
	type capacity struct {
		CapacityUnits          float64
		GlobalSecondaryIndexes map[string]struct{ CapacityUnits float64 }
	}
	var out struct{ ConsumedCapacity json.RawMessage }
	// An action on several items reports on each table, of which there is one.
	var reported [1]capacity
	if err = errors.Join(json.Unmarshal(request, &in), json.Unmarshal(answer, &out)); err == nil {
		if bytes.HasPrefix(out.ConsumedCapacity, []byte("[")) {
			err = json.Unmarshal(out.ConsumedCapacity, &reported)
		} else {
			err = json.Unmarshal(out.ConsumedCapacity, &reported[0])
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%s does not report what it consumes: %w", action, err)
	}
	least := func(consistent bool) float64 {
		if consistent {
			return 1
		}
		return 0.5
	}
	engine := reported[0].CapacityUnits
	switch action {
	case "GetItem", "Query":
		return max(engine, least(in.ConsistentRead)), 0, nil
	case "BatchGetItem":
		for _, b := range in.RequestItems {
			read += float64(len(b.Keys)) * least(b.ConsistentRead)
		}
		return max(engine, read), 0, nil
	case "PutItem", "UpdateItem", "DeleteItem":
		return 0, engine, nil
	case "TransactWriteItems":
		for _, part := range in.TransactItems {
			for _, p := range part {
				bytes := 0.0
				if p.Item != nil {
					item, err := attributevalue.UnmarshalMapJSON(p.Item)
					if err != nil {
						return 0, 0, fmt.Errorf("decode an item: %w", err)
					}
					bytes = size(&types.AttributeValueMemberM{Value: item})
				}
				write += 2 * max(1, math.Ceil(bytes/kb))
			}
		}
		for _, index := range reported[0].GlobalSecondaryIndexes {
			write += index.CapacityUnits / 2
		}
		return 0, write, nil
	default:
		return 0, 0, fmt.Errorf("what %s costs is not known", action)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
