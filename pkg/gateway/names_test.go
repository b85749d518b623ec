package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"instances/pkg/gateway"
)

// The names of each request are those of its own header, whatever its body and
// the requests before it had.
func TestNames(t *testing.T) {
	t.Parallel()
	events := make(chan []byte, 1)
	g := newGateway(t, load(t), invoker(func(_ context.Context, _ string, event []byte) ([]byte, error) {
		events <- event
		return []byte(`{"statusCode":200}`), nil
	}), gateway.Options{})
	c := dial(t, g)
	const withBody = "Content-Length: 13\r\n\r\nX-ONE: body\r\n"
	for _, test := range []struct{ method, header, want string }{
		{"GET", "x-One: 1\r\nETAG: 2\r\n\r\n", "ETAG Host x-One"},
		{"GET", "X-oNE: 1\r\n\r\n", "Host X-oNE"},
		{"GET", "X-One: a:b\r\nx-one: 2\r\n\r\n", "Host x-one"},
		{"GET", "\r\n", "Host"},
		{"POST", "x-one: 1\r\n" + withBody, "Host x-one"},
		{"POST", "x-one: 1\r\nexpect: 100-continue\r\n" + withBody, "Host x-one"},
		{"POST", "x-one: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na:b\r\n0\r\n\r\n", "Host x-one"},
		{"GET", "x-ONE: 1\r\nuser-agent: u\r\nAUTHORIZATION: a\r\nx-forwarded-for: 192.0.2.1\r\nx-amzn-trace-id: t\r\n\r\n", "Authorization Host User-Agent x-ONE"},
		{"GET", "x-" + strings.Repeat("long", 2000) + ": 1\r\n\r\n", "Host x-" + strings.Repeat("long", 2000)},
	} {
		status := c.ask(t, test.method+" /files/a:b HTTP/1.1\r\nhost: h\r\n"+test.header)
		if status == http.StatusContinue {
			status = c.ask(t, "")
		}
		if status != http.StatusOK {
			t.Fatalf("%q: status %d", test.header, status)
		}
		var e struct{ Headers map[string]string }
		if err := json.Unmarshal(<-events, &e); err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range e.Headers {
			if !strings.HasPrefix(name, "X-Forwarded-") && name != "X-Amzn-Trace-Id" {
				names = append(names, name)
			}
		}
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%q: names %s, want %s", test.header, got, test.want)
		}
	}
}
