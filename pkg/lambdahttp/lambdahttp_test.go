package lambdahttp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/lambdahttp"
)

// plain is a minimal event of a request.
const plain = `{"resource":"/x","path":"/x","httpMethod":"GET","requestContext":{"requestId":"req-1","path":"/prod/x"}}`

// invoke returns the answer of h to the event, and checks that the gateway accepts
// it.
func invoke(t testing.TB, h http.Handler, o lambdahttp.Options, event string) events.APIGatewayProxyResponse {
	t.Helper()
	return invokeContext(t.Context(), t, h, o, event)
}

func invokeContext(ctx context.Context, t testing.TB, h http.Handler, o lambdahttp.Options, event string) events.APIGatewayProxyResponse {
	t.Helper()
	out, err := lambdahttp.New(h, o).Invoke(ctx, []byte(event))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	return decode(t, out)
}

func decode(t testing.TB, out []byte) events.APIGatewayProxyResponse {
	t.Helper()
	var r events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("answer is not JSON: %v\n%s", err, out)
	}
	if r.StatusCode < 200 || r.StatusCode > 599 {
		t.Errorf("status %d", r.StatusCode)
	}
	if len(out) > lambdahttp.MaxAnswerBytes {
		t.Errorf("answer of %d bytes", len(out))
	}
	if r.IsBase64Encoded {
		if _, err := base64.StdEncoding.DecodeString(r.Body); err != nil {
			t.Errorf("body is not base64: %v", err)
		}
	}
	return r
}

// capture returns the request that a handler sees for the event.
func capture(t *testing.T, event string) *http.Request {
	t.Helper()
	var got *http.Request
	r := invoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }), lambdahttp.Options{}, event)
	if got == nil {
		t.Fatalf("handler was not called: %d %s", r.StatusCode, r.Body)
	}
	return got
}

// wantProblem checks an answer that the handler did not give.
func wantProblem(t *testing.T, r events.APIGatewayProxyResponse, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("status %d, want %d", r.StatusCode, status)
	}
	if got := http.Header(r.MultiValueHeaders).Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	var body struct {
		Status int
		Title  string
		Detail string
	}
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil || body.Status != status || body.Title == "" || body.Detail == "" {
		t.Errorf("body %s", r.Body)
	}
}
