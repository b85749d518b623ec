package main

import (
	"fmt"
	"io"
	"strings"
)

// The lines of the table: the first column is wide enough for the names.
const (
	headLine = "%-27s %5s %5s %5s %4s %5s %6s %8s %5s %5s %6s\n"
	rowLine  = "%-27s %5s %5s %5s %4.0f %5.2f %6.2f %8.2f %5.2f %5.2f %6.2f\n"
)

// writeTable prints what a million calls of each operation cost.
func writeTable(w io.Writer, p prices, r result) error {
	var b strings.Builder
	// Writing there does not fail.
	say := func(format string, values ...any) { _, _ = fmt.Fprintf(&b, format, values...) }
	say(`USD for a million calls, at the list prices of us-east-1 read on %s, without free tiers.
%d instances of each kind, of %.0f bytes on average; means of warm calls with a known key.

calls     to DynamoDB
RRU, WRU  read and write request units, of the table and its indexes
ms        that Lambda bills, with %d MB

`, readOn, r.instances, r.stored.instanceBytes, r.memory())
	say(headLine, "", "calls", "RRU", "WRU", "ms", "API", "Lambda", "DynamoDB", "logs", "other", "total")
	group := ""
	for _, row := range r.rows {
		if row.group != group {
			group = row.group
			say("\n%s\n", strings.TrimSpace(group+" "+groups()[group]))
		}
		c := costOf(p, row)
		say(rowLine, row.name, number(row.calls), number(row.units.read), number(row.units.write), row.billed(),
			c.api, c.lambda, c.dynamoDB, c.logs, c.other, c.total())
	}
	size := r.stored.totalBytes * million / gb
	say(`
other is the traces of X-Ray, %.2f, and what the answers take to the internet. The traces are of
1 call a second and %.0f %% of the rest, at %.0f calls a second; up to 1 a second they cost %.2f.

By the month:
  a million instances with history, guards and indexes, %.1f GB  %6.2f
  their point-in-time recovery                                  %6.2f
  %2d metrics that alarms watch                                  %6.2f
  a dashboard                                                   %6.2f
  a metric of a route that has requests in every hour           %6.2f
`, million*traced(requestRate)*p.trace.usd, sampledShare*100, requestRate, million*p.trace.usd,
		size, size*p.tableGB.usd, r.stored.tableBytes*million/gb*p.backupGB.usd, r.alarmMetrics, float64(r.alarmMetrics)*p.alarmMetric.usd,
		p.dashboard.usd, p.routeMetric.usd)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// memory is that of the functions.
func (r result) memory() int {
	if len(r.rows) == 0 {
		return 0
	}
	return r.rows[0].memoryMB
}

// number prints a mean, without decimals where it has none.
func number(n float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0")
}
