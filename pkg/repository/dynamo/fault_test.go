package dynamo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	reasons := func(codes ...string) error {
		e := &types.TransactionCanceledException{}
		for _, code := range codes {
			e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
		}
		return e
	}
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: err,
		}
	}
	send := func(err error) error { return &smithyhttp.RequestSendError{Err: err} }
	for _, test := range []struct {
		name string
		err  error
		want fault
	}{
		{"condition", reasons("None", "ConditionalCheckFailed"), final},
		{"conflict", reasons("None", "TransactionConflict"), rejected},
		{"conflict and condition", reasons("ConditionalCheckFailed", "TransactionConflict"), rejected},
		{"throttled part", reasons("ThrottlingError", "None"), rejected},
		{"invalid part", reasons("ValidationError"), final},
		{"conflict with a transaction", &types.TransactionConflictException{}, rejected},
		{"throttled", &types.ThrottlingException{}, rejected},
		{"same token under way", &types.TransactionInProgressException{}, unsure},
		{"server fault", &types.InternalServerError{}, unsure},
		{"no table", status(400, &types.ResourceNotFoundException{}), final},
		{"condition of a single item", status(400, &types.ConditionalCheckFailedException{}), final},
		{"credentials", status(400, &smithy.GenericAPIError{Code: "UnrecognizedClientException"}), final},
		{"bad gateway", status(502, errors.New("html")), unsure},
		{"too many requests", status(429, errors.New("html")), rejected},
		{"answer cut short", status(200, &smithy.DeserializationError{Err: errors.New("unexpected EOF")}), unsure},
		{"nobody listens", send(&net.OpError{Op: "dial", Err: errors.New("refused")}), rejected},
		{"connection lost", send(&net.OpError{Op: "read", Err: errors.New("reset")}), unsure},
		{"timeout", send(context.DeadlineExceeded), unsure},
		{"timeout before it was sent", context.DeadlineExceeded, unsure},
		{"cancelled", &aws.RequestCanceledError{Err: context.Canceled}, unsure},
		{"unknown certificate", send(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), final},
		{"programming error", errors.New("encode"), final},
	} {
		for _, err := range []error{test.err, fmt.Errorf("operation error: %w", test.err)} {
			if got := classify(err); got != test.want {
				t.Errorf("%s: %v means %d, want %d", test.name, err, got, test.want)
			}
		}
	}
}
