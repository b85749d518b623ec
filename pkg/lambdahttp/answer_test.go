package lambdahttp_test

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"instances/pkg/lambdahttp"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		serve  func(w http.ResponseWriter)
		status int
		header http.Header
		body   string
		base64 bool
	}{
		"nothing written": {
			func(http.ResponseWriter) {}, 200, http.Header{}, "", false,
		},
		"the first status counts": {
			func(w http.ResponseWriter) {
				w.Header().Set("ETag", `"1"`)
				w.WriteHeader(http.StatusCreated)
				w.Header().Set("ETag", `"2"`)
				w.WriteHeader(http.StatusInternalServerError)
			},
			201,
			http.Header{"Etag": {`"1"`}},
			"", false,
		},
		"a body sends the status": {
			func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/json")
				write(w, `{"a":`)
				w.WriteHeader(http.StatusInternalServerError)
				write(w, `"<é>"}`)
			},
			200,
			http.Header{"Content-Type": {"application/json"}},
			`{"a":"<é>"}`, false,
		},
		"no content type is guessed": {
			func(w http.ResponseWriter) { write(w, `{"a":1}`) }, 200, http.Header{}, `{"a":1}`, false,
		},
		"nor when it is set too late": {
			func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusNotFound)
				w.Header().Set("Content-Type", "application/json")
				write(w, `{}`)
			},
			404,
			http.Header{},
			`{}`, false,
		},
		"an informational status is none": {
			func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
			},
			202,
			http.Header{},
			"", false,
		},
		"204 has no body and no type": {
			func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNoContent)
				if _, err := w.Write(nil); err != nil {
					t.Errorf("empty write: %v", err)
				}
				if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
					t.Errorf("write: %v", err)
				}
			},
			204,
			http.Header{},
			"", false,
		},
		"304 keeps its tag": {
			func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("ETag", `"1"`)
				w.WriteHeader(http.StatusNotModified)
			},
			304,
			http.Header{"Etag": {`"1"`}},
			"", false,
		},
		"many values": {
			func(w http.ResponseWriter) {
				w.Header().Add("Link", "<a>, <b>")
				w.Header().Add("Link", "<c>")
				w.Header().Set("Content-Length", "77")
			},
			200,
			http.Header{"Link": {"<a>, <b>", "<c>"}},
			"", false,
		},
		"no header in a header": {
			func(w http.ResponseWriter) { w.Header()["Location"] = []string{"/a", "/x\r\nSet-Cookie: a=b\x00"} },
			200,
			http.Header{"Location": {"/a", "/x  Set-Cookie: a=b "}},
			"", false,
		},
		"bytes": {
			func(w http.ResponseWriter) { write(w, "\x00\xff") }, 200, http.Header{}, "AP8=", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := invoke(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { test.serve(w) }), lambdahttp.Options{}, plain)
			test.header.Set("X-Request-Id", "req-1")
			if r.StatusCode != test.status || r.Body != test.body || r.IsBase64Encoded != test.base64 {
				t.Errorf("%d %q %v", r.StatusCode, r.Body, r.IsBase64Encoded)
			}
			if got := http.Header(r.MultiValueHeaders); !reflect.DeepEqual(got, test.header) {
				t.Errorf("headers %v, want %v", got, test.header)
			}
		})
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if n, err := w.Write([]byte("x")); n != 1 || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	})
	r := invoke(t, h, lambdahttp.Options{}, `{"path":"/x","httpMethod":"HEAD"}`)
	if r.StatusCode != http.StatusOK || r.Body != "" || http.Header(r.MultiValueHeaders).Get("Content-Type") != "text/html" {
		t.Errorf("%+v", r)
	}
}

// The process survives a panic and serves the next request.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"value":          func(http.ResponseWriter, *http.Request) { panic("secret") },
		"abort":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"runtime error":  func(_ http.ResponseWriter, r *http.Request) { write(nil, []string{}[len(r.Method)]) },
		"invalid status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(600) },
		"after an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "secret")
			w.WriteHeader(http.StatusCreated)
			write(w, "secret")
			panic("secret")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			panics := true
			f := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if panics {
					h(w, r)
				}
			}), lambdahttp.Options{})
			for range 2 {
				out, err := f.Invoke(t.Context(), []byte(plain))
				if err != nil {
					t.Fatal(err)
				}
				r := decode(t, out)
				if !panics {
					if r.StatusCode != http.StatusOK {
						t.Errorf("then %d", r.StatusCode)
					}
					break
				}
				wantProblem(t, r, http.StatusInternalServerError)
				if bytes.Contains(out, []byte("secret")) || http.Header(r.MultiValueHeaders).Get("X-Request-Id") != "req-1" {
					t.Errorf("answer %s", out)
				}
				panics = false
			}
		})
	}
}

// Lambda would answer with a message of its own.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"fits":              {strings.Repeat("x", 6<<20-200), 200},
		"fits with <":       {strings.Repeat("<", 6<<20-200), 200},
		"too long":          {strings.Repeat("x", 6<<20), 500},
		"too long, escaped": {strings.Repeat(`"`, 3<<20), 500},
		"too long, base64":  {strings.Repeat("\xff", 5<<20), 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w, test.body) })
			logger, read := logTo(t)
			r := invoke(t, h, lambdahttp.Options{Logger: logger}, plain)
			if test.status != 500 {
				if r.StatusCode != test.status || r.Body != test.body {
					t.Errorf("%d, body of %d bytes", r.StatusCode, len(r.Body))
				}
				return
			}
			wantProblem(t, r, 500)
			l := read()
			if message, _ := l["error"].(string); l["level"] != "ERROR" || l["status"] != 500.0 || !strings.Contains(message, "over the limit of 6291456") {
				t.Errorf("logged %v", l)
			}
		})
	}
}

// The headers of the options are on every answer.
func TestOptionsHeader(t *testing.T) {
	t.Parallel()
	o := lambdahttp.Options{Header: http.Header{"Access-Control-Allow-Origin": {"https://a.example"}, "Vary": {"Origin"}, "X-A": {"1"}}}
	for name, test := range map[string]struct {
		h     http.HandlerFunc
		event string
		want  http.Header
	}{
		"plain": {func(http.ResponseWriter, *http.Request) {}, plain, http.Header{"Vary": {"Origin"}, "X-A": {"1"}}},
		"handler's own": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Vary", "Accept")
			w.Header().Set("X-A", "2")
		}, plain, http.Header{"Vary": {"Origin", "Accept"}, "X-A": {"2"}}},
		"panic":    {func(http.ResponseWriter, *http.Request) { panic("x") }, plain, http.Header{"Vary": {"Origin"}, "X-A": {"1"}}},
		"no event": {nil, `{}`, http.Header{"Vary": {"Origin"}, "X-A": {"1"}}},
		"too large": {
			func(w http.ResponseWriter, _ *http.Request) { write(w, strings.Repeat("x", 6<<20)) },
			plain,
			http.Header{"Vary": {"Origin"}, "X-A": {"1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := http.Header(invoke(t, test.h, o, test.event).MultiValueHeaders)
			if got.Get("Access-Control-Allow-Origin") != "https://a.example" ||
				!reflect.DeepEqual(got["Vary"], test.want["Vary"]) || !reflect.DeepEqual(got["X-A"], test.want["X-A"]) {
				t.Errorf("headers %v", got)
			}
		})
	}
	if want := []string{"Origin"}; !reflect.DeepEqual(o.Header["Vary"], want) {
		t.Errorf("options were changed: %v", o.Header)
	}
}

// write panics if the write fails, which no test expects.
func write(w http.ResponseWriter, body string) {
	if _, err := w.Write([]byte(body)); err != nil {
		panic(err)
	}
}
