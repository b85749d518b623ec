package contract

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"instances/pkg/template"
)

// CheckGateway checks that the document of the named API describes, for each of
// its operations, the answers that API Gateway gives in place of a function, as
// the template words them. Most of them occur on AWS only.
func CheckGateway(t testing.TB, api string, tmpl *template.Template) {
	t.Helper()
	d, err := Of(api)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.operations {
		target := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(o.path, "1")
		for _, r := range gatewayRefusals() {
			response, ok := tmpl.API.GatewayResponses[r.kind]
			if !ok {
				t.Fatalf("the template has no gateway response %s", r.kind)
			}
			header := http.Header{}
			for name, value := range response.Headers {
				header.Set(name, value)
			}
			body := strings.NewReplacer("$context.error.messageString", `"Something is wrong"`, "$context.requestId", "1").Replace(response.Body)
			Check(t, Exchange{
				Method: o.method, URL: &url.URL{Path: target}, Status: r.status, AnswerHeader: header, Answer: []byte(body),
			})
		}
	}
}

// gatewayRefusals are the kinds of answers that API Gateway gives to requests
// for a known path, and their statuses.
func gatewayRefusals() []struct {
	kind   string
	status int
} {
	return []struct {
		kind   string
		status int
	}{
		{"DEFAULT_4XX", http.StatusBadRequest},
		{"DEFAULT_4XX", http.StatusForbidden},
		{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge},
		{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType},
		{"THROTTLED", http.StatusTooManyRequests},
		{"QUOTA_EXCEEDED", http.StatusTooManyRequests},
		{"DEFAULT_5XX", http.StatusInternalServerError},
		{"DEFAULT_5XX", http.StatusBadGateway},
		{"DEFAULT_5XX", http.StatusServiceUnavailable},
		{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout},
		{"DEFAULT_5XX", http.StatusGatewayTimeout},
	}
}
