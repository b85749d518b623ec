package runtimeapi

import (
	"errors"
	"fmt"
	"time"
)

// FunctionError is an error that a function reported of itself, or what Lambda
// says of one whose process ended or was too slow.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// ErrEnded says that a process ended after it had started well and before it
// took the event, so that another may take it.
var ErrEnded = errors.New("the process has ended")

// exited is what Lambda says of a process that ended with err.
func exited(requestID string, err error) error {
	reason := "Runtime exited without providing a reason"
	if err != nil {
		reason = "Runtime exited with error: " + err.Error()
	}
	return &FunctionError{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", requestID, reason)}
}

// timedOut is what Lambda says of an invocation that took too long.
func timedOut(requestID string, limit time.Duration) error {
	return &FunctionError{
		"Sandbox.Timedout",
		fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, limit.Seconds()),
	}
}
