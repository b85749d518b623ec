package dynamo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"instances/pkg/instance"
)

// fault is what the failure of a call means.
type fault int

const (
	// final means that the same call would fail again.
	final fault = iota
	// rejected means that nothing was done and that another attempt may succeed.
	rejected
	// unsure means that another attempt may succeed, and that a write may have
	// taken effect.
	unsure
)

// classify returns what err, the error of one call, means.
func classify(err error) fault {
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return classifyReasons(canceled.CancellationReasons)
	}
	// An answer that arrives incomplete is lost, whatever its status.
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return unsure
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "TransactionConflictException", "ProvisionedThroughputExceededException",
			"RequestLimitExceeded", "ThrottlingException", "ReplicatedWriteConflictException":
			return rejected
		case "InternalServerError", "TransactionInProgressException", "ServiceUnavailable",
			// The client's name for an answer without a code: it is not DynamoDB's, or not whole.
			"UnknownError":
			return unsure
		}
	}
	// If there was no answer, the client makes one up whose status is 0.
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && response.HTTPStatusCode() != 0 {
		switch status := response.HTTPStatusCode(); {
		case status == http.StatusTooManyRequests:
			return rejected
		case http.StatusBadRequest <= status && status < http.StatusInternalServerError:
			return final
		}
		return unsure
	}
	return classifySending(err)
}

// classifySending returns what it means that there was no answer.
func classifySending(err error) fault {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return final
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return rejected
	}
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return unsure
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unsure
	}
	return final
}

// classifyReasons returns what a cancelled transaction means. If one of its
// items met a conflict, the conditions of the others may have been judged by
// what was there before, so all of it is tried again.
func classifyReasons(reasons []types.CancellationReason) fault {
	for _, reason := range reasons {
		switch code(reason) {
		case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError",
			"RequestLimitExceeded", "ReplicatedWriteConflict":
			return rejected
		case "InternalServerError":
			return unsure
		}
	}
	return final
}

// code returns the code of a reason, or "None".
func code(reason types.CancellationReason) string {
	if reason.Code == nil {
		return "None"
	}
	return *reason.Code
}

// unavailable returns [instance.ErrUnavailable] with its cause, for logs. If the
// last attempt met another write, it is [instance.ErrConflict] too.
func unavailable(operation string, cause error) error {
	switch {
	case cause == nil:
		return fmt.Errorf("%s: %w", operation, instance.ErrUnavailable)
	case conflicted(cause):
		return fmt.Errorf("%s: %w: %w: %w", operation, instance.ErrUnavailable, instance.ErrConflict, cause)
	default:
		return fmt.Errorf("%s: %w: %w", operation, instance.ErrUnavailable, cause)
	}
}

// conflicted reports whether err is that of a transaction that met another one.
func conflicted(err error) bool {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
		return code(reason) == "TransactionConflict"
	})
}
