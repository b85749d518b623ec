package samlocal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/repository/dynamo/dynamotest"
)

// The ways that an event goes, each on a table of its own.
const (
	bySAM = iota
	byInvoke
	byGateway
	ways
)

// events are the sample events and the ways that they go.
type events struct {
	*subject
	sam sam
	// program is the binary of pkg/cmd/instances, and table what it works on.
	program string
	table   dynamotest.Table
	// functions are those behind gateway.
	functions *local.Functions
	gateway   http.Handler
}

func newEvents(t *testing.T, s *subject, built string, tables []dynamotest.Table) *events {
	t.Helper()
	x := &events{
		subject: s, sam: newSAM(t, built, tables[bySAM]),
		program: filepath.Join(t.TempDir(), "instances"), table: tables[byInvoke],
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", x.program, "./pkg/cmd/instances")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := s.repository(tables[byGateway])
	var err error
	x.functions, err = local.New(s.template, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	x.gateway = s.inFront(t, x.functions, gateway.Options{StageInPath: true})
	return x
}

// refused checks that an event with the placeholder of the file is answered
// 401, as the guide says.
func (x *events) refused(t *testing.T) {
	for _, e := range x.samples {
		if e.isRequest() && !bytes.Equal(e.original, e.event) {
			var returned struct{ StatusCode int }
			out := x.sam.invoke(t, x.logicalID(t, e.function), e.original)
			if err := json.Unmarshal(out, &returned); err != nil || returned.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s returns %s, %v", e.function, out, err)
			}
			return
		}
	}
	t.Error("no event has a placeholder")
}

// compare has an event answered in each way.
func (x *events) compare(t *testing.T, e sample) {
	ours := x.sam.invoke(t, x.logicalID(t, e.function), e.event)
	theirs := x.invoke(t, e)
	if same, err := sameJSON(ours, theirs, string(e.event)); err != nil || !same {
		t.Errorf("sam local invoke and instances invoke return\n%s\nand\n%s: %v", ours, theirs, err)
	}
	if !e.isRequest() {
		theirs, err := x.functions.Invoke(t.Context(), e.function, e.event)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := sameJSON(ours, theirs, string(e.event)); err != nil || !same {
			t.Errorf("sam local invoke and the function here return\n%s\nand\n%s: %v", ours, theirs, err)
		}
		return
	}
	// What a client would see of what SAM's function returned.
	said := x.inFront(t, says(ours), gateway.Options{StageInPath: true})
	a, b := ask(t, said, e.request(t)), ask(t, x.gateway, e.request(t))
	if difference := a.differs(b, string(e.event)); difference != "" {
		t.Errorf("sam local invoke and the local gateway differ: %s", difference)
	}
	// A refusal is the same everywhere, and shows little.
	if a.status >= http.StatusBadRequest {
		t.Errorf("the sample is answered %d %s", a.status, a.body)
	}
}

func (x *events) logicalID(t *testing.T, function string) string {
	t.Helper()
	f, ok := x.template.Function(function)
	if !ok {
		t.Fatalf("there is no function %s", function)
	}
	return f.LogicalID
}

// invoke runs instances invoke and returns what it prints.
func (x *events) invoke(t *testing.T, e sample) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), x.program, "invoke", e.function, "--event", "-",
		"--table", x.table.Name, "--region", x.table.Getenv("AWS_REGION"), "--endpoint", x.table.Endpoint)
	cmd.Dir = x.root
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		cmd.Env = append(cmd.Env, name+"="+x.table.Getenv(name))
	}
	var log bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(e.event), &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("instances invoke %s: %v\n%s", e.function, err, &log)
	}
	return out
}

// says is a function that has returned already.
type says []byte

func (s says) Invoke(context.Context, string, []byte) ([]byte, error) { return s, nil }

// Stream returns what SAM's function, which cannot stream, would have streamed.
func (s says) Stream(context.Context, string, []byte) (io.ReadCloser, error) {
	var answer map[string]any
	if err := json.Unmarshal(s, &answer); err != nil {
		return nil, err
	}
	body, _ := answer["body"].(string)
	delete(answer, "body")
	delete(answer, "isBase64Encoded")
	head, err := json.Marshal(answer)
	return io.NopCloser(strings.NewReader(string(head) + gateway.Delimiter + body)), err
}

// ask returns the answer to a request.
func ask(t *testing.T, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}
