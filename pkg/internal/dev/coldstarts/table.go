package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// writeTable prints the medians, and what they are of those of the usual way
// in the first row and of the empty handler in the third.
func writeTable(w io.Writer, rows []row, rounds int) error {
	usual, full, empty := median(rows[0].refused.times), median(rows[0].unthrottled.times), median(rows[2].refused.times)
	_, _ = fmt.Fprintf(w, `Start of the process and first request, over TLS, in ms: medians of %d starts.

init      until the process asks for its first request
one read  until the answer to a request that reads one item: for a function, with an unknown key
full CPU  the same, without the limit that Lambda sets after the start
event     until the answer to the sample event, with a key, and how often that calls DynamoDB

`, rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "init\tone read\tof usual\tof empty\tfull CPU\tof usual\tevent\tcalls\t  function")
	for _, r := range rows {
		if r.refused == nil {
			_, _ = fmt.Fprintf(t, "%s\t\t\t\t\t\t%s\t%d\t  %s\n", show(median(r.answered.inits)), show(median(r.answered.times)), r.answered.calls, r.name)
			continue
		}
		took, fast := median(r.refused.times), median(r.unthrottled.times)
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.3f\t%.1f\t%s\t%.2f\t", show(median(r.refused.inits)), show(took),
			ratio(took, usual), ratio(took, empty), show(fast), ratio(fast, full))
		if r.answered == nil {
			_, _ = fmt.Fprintf(t, "\t\t  %s\n", r.name)
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t  %s\n", show(median(r.answered.times)), r.answered.calls, r.name)
	}
	return t.Flush()
}

func show(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
