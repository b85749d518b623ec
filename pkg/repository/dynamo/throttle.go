package dynamo

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// logThrottle writes a warning if err says that DynamoDB throttled the call. Its
// reasons tell a limit of the account, the table or an index from a hot partition.
func (r *Repository) logThrottle(ctx context.Context, operation string, err error) {
	if reasons := throttleReasons(err); reasons != nil {
		r.logger.LogAttrs(ctx, slog.LevelWarn, "dynamodb throttled",
			slog.String("operation", operation), slog.Any("reasons", reasons))
	}
}

// throttleReasons returns why a call was throttled, or nil if it was not.
func throttleReasons(err error) []string {
	var structured []types.ThrottlingReason
	var message string
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return throttledParts(e.CancellationReasons)
	} else if e, ok := errors.AsType[*types.ThrottlingException](err); ok {
		structured, message = e.ThrottlingReasons, e.Error()
	} else if e, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); ok {
		structured, message = e.ThrottlingReasons, e.Error()
	} else if e, ok := errors.AsType[*types.RequestLimitExceeded](err); ok {
		structured, message = e.ThrottlingReasons, e.Error()
	} else {
		return nil
	}
	if len(structured) == 0 {
		return []string{message}
	}
	var reasons []string
	for _, reason := range structured {
		reasons = append(reasons, aws.ToString(reason.Reason)+" "+aws.ToString(reason.Resource))
	}
	return reasons
}

// throttledParts is throttleReasons for a transaction, whose reasons are text.
func throttledParts(parts []types.CancellationReason) []string {
	var reasons []string
	for _, part := range parts {
		switch code(part) {
		case "ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded":
			reasons = append(reasons, code(part)+": "+aws.ToString(part.Message))
		}
	}
	// Most parts say the same.
	slices.Sort(reasons)
	return slices.Compact(reasons)
}
