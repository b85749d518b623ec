package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// wire is a transport that sees every request to the engine, and may answer
// in its place. It is safe for concurrent use.
type wire struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls []string
	fault func(c call) (*http.Response, error)
}

// call is one request under way.
type call struct {
	*http.Request
	// Operation is the one of DynamoDB, such as GetItem, and Body what is
	// sent to it.
	Operation string
	Body      map[string]any
	send      func(*http.Request) (*http.Response, error)
}

// transport makes the transport of a client.
func (w *wire) transport(next http.RoundTripper) http.RoundTripper {
	w.next = next
	return w
}

// client returns a client whose every call the fault has to answer.
func (w *wire) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"),
		HTTPClient: &http.Client{Transport: w.transport(http.DefaultTransport)},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// RoundTrip records the call and lets the fault answer it, if there is one.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	r = r.Clone(r.Context())
	c := call{Request: r, send: w.next.RoundTrip}
	_, c.Operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(body, &c.Body); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.calls = append(w.calls, c.Operation)
	fault := w.fault
	w.mu.Unlock()
	if fault != nil {
		return fault(c)
	}
	return c.pass()
}

// inject makes fault answer every call from now on; nil ends that. It forgets
// the calls so far.
func (w *wire) inject(fault func(c call) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.fault = nil, fault
}

// sent returns the operations of the calls since inject.
func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// pass sends the call on.
func (c call) pass() (*http.Response, error) { return c.send(c.Request) }

// passAs sends the call on with another body.
func (c call) passAs(t *testing.T, body map[string]any) (*http.Response, error) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
		return nil, err
	}
	r := c.Clone(c.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return c.send(r)
}

// answer makes an answer to the call.
func (c call) answer(status int, body any) (*http.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:          io.NopCloser(bytes.NewReader(b)),
		ContentLength: int64(len(b)), Request: c.Request,
	}, nil
}

// refuse answers with an error of DynamoDB.
func (c call) refuse(status int, code string) (*http.Response, error) {
	return c.answer(status, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "injected"})
}

// cancel answers with a cancelled transaction, each part for the reason.
func (c call) cancel(reason string) (*http.Response, error) {
	items, _ := c.Body["TransactItems"].([]any)
	reasons := []any{}
	for range items {
		reasons = append(reasons, map[string]any{"Code": reason, "Message": "injected"})
	}
	return c.answer(http.StatusBadRequest, map[string]any{
		"__type":              "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"Message":             "Transaction cancelled, please refer cancellation reasons for specific reasons [" + reason + "]",
		"CancellationReasons": reasons,
	})
}

// busy answers that another try may succeed.
func (c call) busy() (*http.Response, error) {
	if c.Operation == "TransactWriteItems" {
		return c.cancel("TransactionConflict")
	}
	return c.refuse(http.StatusBadRequest, "ThrottlingException")
}

// read decodes the body of an answer and closes it.
func read(t *testing.T, response *http.Response) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	_ = response.Body.Close()
	return body
}
