// Package capacity adds up what a request consumed of the database's capacity:
// a repository adds to the [Meter] in the context of the request, and whoever
// put it there reads the total.
package capacity

import (
	"context"
	"sync"
)

// Meter adds up what the calls of one request consumed. It is safe for
// concurrent use. The methods of a nil Meter do nothing.
type Meter struct {
	mu     sync.Mutex
	totals Consumed
}

// Consumed is what calls to the database consumed.
type Consumed struct {
	// Calls counts the requests to the database, retries included.
	Calls int
	// ReadUnits and WriteUnits are DynamoDB capacity units.
	ReadUnits, WriteUnits float64
}

type meterKey struct{}

// WithMeter returns a context whose calls are added to the returned meter.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := new(Meter)
	return context.WithValue(ctx, meterKey{}, m), m
}

// MeterFrom returns the meter of ctx, or nil.
func MeterFrom(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}

// Add adds c to the totals.
func (m *Meter) Add(c Consumed) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Calls += c.Calls
	m.totals.ReadUnits += c.ReadUnits
	m.totals.WriteUnits += c.WriteUnits
}

// Total returns the totals so far.
func (m *Meter) Total() Consumed {
	if m == nil {
		return Consumed{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.totals
}
