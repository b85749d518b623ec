package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// row is an operation with the means of its calls.
type row struct {
	group, name string
	usage
	// viaAPI says that API Gateway, logs and a trace are part of it, and invokes
	// that a function is.
	viaAPI, invokes bool
	// own is how long the function works with a whole processor, in milliseconds.
	own      float64
	memoryMB int
	// sent is how many bytes the answers have.
	sent float64
}

// divide makes means of sums.
func (r *row) divide(n float64) {
	r.usage = usage{r.calls / n, r.read / n, r.write / n, r.busy / n, r.waits / n}
	r.sent /= n
}

// billed returns the milliseconds that Lambda bills.
func (r row) billed() float64 {
	return math.Ceil(r.own*max(1, fullCPU/float64(r.memoryMB)) + r.waits)
}

// million is how many calls the prices of the table are for. Prices by the GB
// need no factor: a million calls of a KB are a GB.
const million = 1e6

// cost is in USD for a million of something.
type cost struct{ lambda, dynamoDB, out, total float64 }

// cost returns what a million of the operation costs; each is what a million
// calls of the API cost whatever they do.
func (r row) cost(each float64) cost {
	c := cost{
		lambda:   million * r.billed() / 1000 * float64(r.memoryMB) / 1024 * lambdaGBSecond,
		dynamoDB: r.read*readUnits + r.write*writeUnits,
		out:      million * r.sent / 1e9 * outGB,
	}
	if r.invokes {
		c.lambda += lambdaRequests
	}
	c.total = c.lambda + c.dynamoDB + c.out
	if r.viaAPI {
		c.total += each
	}
	return c
}

// writeTable prints what a million calls of each operation cost.
func writeTable(w io.Writer, r result) error {
	logs := million * r.logged / 1e9 * logGB
	each := apiRequests + logs + tracedShare*traces
	_, _ = fmt.Fprintf(w, `USD for a million calls, at the list prices of us-east-1 read on %s, without free tiers.
%d instances of each kind, of %.0f bytes on average; means of warm calls with a known key.

calls     to DynamoDB
RRU, WRU  read and write request units, of the table and its indexes
ms        that Lambda bills, with %d MB
out       what the answers take to the internet
total     with %.2f for what is the same for each call of an API: the request %.2f, the logs %.2f,
          the traces %.2f, of 1 call a second and %.0f %% of the rest, at %.0f calls a second

`, readOn, r.instances, r.stored.instance, r.memoryMB, each, apiRequests, logs, tracedShare*traces, sampledShare*100, requestRate)
	const line = "%5s %5s %5s %5s %7s %9s %6s %6s  %s\n"
	_, _ = fmt.Fprintf(w, line, "calls", "RRU", "WRU", "ms", "Lambda", "DynamoDB", "out", "total", "operation")
	group := ""
	for _, row := range r.rows {
		if row.group != group {
			group = row.group
			_, _ = fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(group+" "+base(group)))
		}
		c := row.cost(each)
		_, _ = fmt.Fprintf(w, line, number(row.calls, 1), number(row.read, 1), number(row.write, 1), number(row.billed(), 0),
			number(c.lambda, 2), number(c.dynamoDB, 2), number(c.out, 2), number(c.total, 2), row.name)
	}
	// A million instances of a KB are a GB.
	size := million / 1e9
	_, err := fmt.Fprintf(w, `
By the month:
%7.2f  a million instances with history, guards and indexes, %.1f GB
%7.2f  their point-in-time recovery
%7.2f  a metric that an alarm watches
%7.2f  a dashboard
%7.2f  a metric of a route that has requests in every hour
`, size*r.stored.total*tableGB, size*r.stored.total, size*r.stored.table*backupGB, alarmMetric, dashboard, routeMetric)
	return err
}

// number prints a number with that many decimals; a single one is left out
// where it is 0.
func number(n float64, decimals int) string {
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', decimals, 64), ".0")
}
