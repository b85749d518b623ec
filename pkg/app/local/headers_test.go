package local_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/template"
)

// Names of headers come as they were sent, or all in lower case as over HTTP/2.
// No function answers differently for that.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load(filepath.Join("..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	asSent, lower := answers(t, tmpl, strings.Clone), answers(t, tmpl, strings.ToLower)
	if len(asSent) < 3*20 {
		t.Errorf("only %d answers", len(asSent))
	}
	for i, a := range asSent {
		if l := lower[i]; l.status != a.status || l.headers != a.headers {
			t.Errorf("%s: answer %d with %s, and %d with %s to the names in lower case", a.event, a.status, a.headers, l.status, l.headers)
		}
		if a.status == 401 || a.status >= 500 {
			t.Errorf("%s: answer %d", a.event, a.status)
		}
	}
}

type answer struct {
	event, headers string
	status         int
}

// answers returns what all functions answer to their sample events, whose names
// of headers are spelled so, and to the same with other headers.
func answers(t *testing.T, tmpl *template.Template, spell func(string) string) []answer {
	t.Helper()
	fs, secret, err := open(t, "15", func() time.Time { return time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	key := strings.NewReplacer(
		base64.StdEncoding.EncodeToString([]byte("local:example")), base64.StdEncoding.EncodeToString([]byte("test:"+secret)),
		"Token example", "Token "+secret, "ApiKey example", "ApiKey "+secret,
		"username=local&password=example", "username=test&password="+secret,
	)
	var all []answer
	for _, f := range tmpl.Functions {
		if len(f.Routes) == 0 {
			continue
		}
		sample, err := os.ReadFile(filepath.Join("..", "..", "..", "events", f.Name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, extra := range []map[string]string{
			{}, {"If-Match": `"none"`, "If-None-Match": "*"}, {"Content-Type": "text/plain", "Idempotency-Key": "\x00"},
		} {
			var e events.APIGatewayProxyRequest
			if err := json.Unmarshal([]byte(key.Replace(string(sample))), &e); err != nil {
				t.Fatal(err)
			}
			headers := maps.Clone(e.Headers)
			maps.Copy(headers, extra)
			e.Headers, e.MultiValueHeaders = map[string]string{}, map[string][]string{}
			for name, value := range headers {
				e.Headers[spell(name)] = value
				e.MultiValueHeaders[spell(name)] = []string{value}
			}
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			out, err := fs.Invoke(t.Context(), f.Name, data)
			if err != nil {
				t.Fatal(err)
			}
			var response events.APIGatewayProxyResponse
			if err := json.Unmarshal(out, &response); err != nil {
				t.Fatal(err)
			}
			names := strings.Join(slices.Sorted(maps.Keys(response.MultiValueHeaders)), " ")
			all = append(all, answer{f.Name + " with " + strings.Join(slices.Sorted(maps.Keys(extra)), ", "), names, response.StatusCode})
		}
	}
	return all
}
