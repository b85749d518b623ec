package cleanup

import (
	"errors"
	"fmt"
)

const (
	// maxFailures is how many removals in a row may fail before a step ends.
	maxFailures = 10
	// maxErrors is how many errors of one step are told of.
	maxErrors = 10
)

// failures are the errors of one step.
type failures struct {
	errs []error
	// more counts those that are not among errs.
	more int
	// row counts the failures since the last success.
	row int
}

func (f *failures) add(err error) {
	f.row++
	if len(f.errs) == maxErrors {
		f.more++
		return
	}
	f.errs = append(f.errs, err)
}

// join returns the errors and last, which may be nil.
func (f *failures) join(last error) error {
	errs := f.errs
	if f.more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(append(errs, last)...)
}
