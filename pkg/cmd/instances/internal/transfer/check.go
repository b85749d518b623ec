package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

// maxMistakes is how many mistakes in a file are reported.
const maxMistakes = 10

// badDumpError says what is wrong with a file.
type badDumpError struct {
	mistakes []string
}

func (e *badDumpError) Error() string { return strings.Join(e.mistakes, "\n") }

// add notes a mistake, and reports whether there is room for another.
func (e *badDumpError) add(format string, values ...any) bool {
	e.mistakes = append(e.mistakes, text.Printable(fmt.Sprintf(format, values...)))
	if len(e.mistakes) < maxMistakes {
		return true
	}
	e.mistakes = append(e.mistakes, "There may be more.")
	return false
}

// dumpContent is what a file is known to hold when it was checked.
type dumpContent struct {
	counts dumpCounts
	// numbers are the largest of the kinds whose ids are numbers.
	numbers map[instance.Kind]int64
}

// dumpCheck is the check of a file.
type dumpCheck struct {
	dumpContent
	bad badDumpError
	// seen has the hash of each instance's key, which is shorter.
	seen map[[16]byte]bool
	// end is what the last line says; nil until it was read.
	end dumpCounts
}

// checkDump reads the whole file. The error is a [badDumpError] if something is
// wrong with it.
func checkDump(ctx context.Context, c Console, file io.Reader) (dumpContent, error) {
	check := &dumpCheck{
		dumpContent: dumpContent{newDumpCounts(), map[instance.Kind]int64{}}, seen: map[[16]byte]bool{},
	}
	bar := newProgress(c, "Checking", -1)
	defer bar.end()
	lines := newDumpReader(file)
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return dumpContent{}, err
		}
		line, _, err := lines.line()
		switch {
		case errors.Is(err, io.EOF):
			check.finish()
			more = false
		case errors.Is(err, errLineTooLong):
			check.bad.add("line %d: %s", lines.number, err)
			more = false
		case err != nil:
			return dumpContent{}, err
		case lines.number == 1:
			if err := decodeHeader(line); err != nil {
				check.bad.add("line 1: %s", err)
				more = false
			}
		default:
			if err := check.line(line); err != nil {
				more = check.bad.add("line %d: %s", lines.number, err)
			}
			bar.add()
		}
	}
	if len(check.bad.mistakes) > 0 {
		return dumpContent{}, &check.bad
	}
	return check.dumpContent, nil
}

// line checks a line after the first.
func (check *dumpCheck) line(line []byte) error {
	if check.end != nil {
		return errors.New("comes after the end")
	}
	l, end, err := decodeLine(line)
	if err != nil {
		return err
	}
	if end != nil {
		check.end = end
		return nil
	}
	i, err := l.instance()
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(i.Kind.Name + "\x00" + i.Collection + "\x00" + i.ID))
	sum := [16]byte(hash[:16])
	if check.seen[sum] {
		return fmt.Errorf("the %s is in the file twice", kinds.Describe(i.Key()))
	}
	check.seen[sum] = true
	check.counts[i.Kind.Name]++
	if n := number(i); n > 0 {
		check.numbers[i.Kind] = max(check.numbers[i.Kind], n)
	}
	return nil
}

// finish checks that the file is whole.
func (check *dumpCheck) finish() {
	if len(check.bad.mistakes) > 0 {
		return
	}
	if check.end == nil {
		check.bad.add("the file is cut off: the last line, which says how many instances there are, is missing. Where it was exported, export --to FILE --resume completes it")
		return
	}
	for _, d := range kinds.All() {
		name := d.Name
		if got, want := check.counts[name], check.end[name]; got != want {
			check.bad.add("there are %d %s instances, and the last line says %d", got, name, want)
		}
		delete(check.end, name)
	}
	for name := range check.end {
		check.bad.add("the last line counts instances of %q, which is not a kind", name)
	}
	slices.Sort(check.bad.mistakes)
}

// number returns that of an instance whose id is one, else 0.
func number(i instance.Instance) int64 {
	if i.Kind.Order != instance.OrderNumber {
		return 0
	}
	// The key was checked.
	n, _ := strconv.ParseInt(i.ID, 10, 64)
	return n
}
