package lambdahttp_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"instances/pkg/lambdahttp"
)

// BenchmarkInvoke takes an event as the gateway sends it through a handler
// that does nothing but answer.
func BenchmarkInvoke(b *testing.B) {
	f, event := answering(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), event); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream is BenchmarkInvoke for a streamed answer.
func BenchmarkStream(b *testing.B) {
	f, event := answering(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := f.Stream(b.Context(), event)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// answering returns a function that answers the event.
func answering(b *testing.B) (f lambdahttp.Streamer, event []byte) {
	b.Helper()
	event, err := os.ReadFile("testdata/get.json")
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"instanceId":11104,"instanceName":"a"}`)
	// Log lines are encoded and discarded.
	return lambdahttp.NewStream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("Id") != "11104" {
			b.Fatal("no path value")
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		// Write cannot fail.
		_, _ = w.Write(body)
	}), lambdahttp.Options{Logger: slog.New(slog.NewJSONHandler(io.MultiWriter(), nil))}), event
}
