package runtimeapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// FunctionError is an error that a function reported, or what Lambda reports if
// the process exited or timed out.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// ErrEnded means that a process had started successfully but ended before it took
// the event, so that another process may take it.
var ErrEnded = errors.New("the process has ended")

// exited returns the error that Lambda reports for a process that exited with err.
func exited(requestID string, err error) error {
	reason := "Runtime exited without providing a reason"
	if err != nil {
		reason = "Runtime exited with error: " + err.Error()
	}
	return &FunctionError{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", requestID, reason)}
}

// timedOut returns the error that Lambda reports for an invocation that took too
// long.
func timedOut(requestID string, limit time.Duration) error {
	return &FunctionError{
		"Sandbox.Timedout",
		fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, limit.Seconds()),
	}
}

// responseTooLarge returns the error that Lambda reports for an answer that is
// too large.
func responseTooLarge(err *http.MaxBytesError) error {
	return &FunctionError{"Function.ResponseSizeTooLarge", fmt.Sprintf("the answer exceeds %d bytes", err.Limit)}
}
