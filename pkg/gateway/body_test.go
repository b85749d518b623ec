package gateway_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"instances/pkg/gateway"
	"instances/pkg/httpjson"
)

// noise returns text that hardly compresses.
func noise(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// A function gets at most one byte more than it accepts, so that it refuses larger
// bodies itself.
func TestBodySizes(t *testing.T) {
	t.Parallel()
	const most = httpjson.MaxBodyBytes
	text := func(bytes int) string { return strings.Repeat("a", bytes) }
	for _, test := range []struct {
		name, coding string
		body         io.Reader
		status, got  int
	}{
		{"most", "", strings.NewReader(text(most)), 200, most},
		{"unknown length", "", io.MultiReader(strings.NewReader(text(most))), 200, most},
		{"too large", "", strings.NewReader(text(most + 1)), 200, most + 1},
		{"much too large", "", strings.NewReader(text(gateway.MaxRequestBytes)), 200, most + 1},
		{"more than a request", "", strings.NewReader(text(gateway.MaxRequestBytes + 1)), 413, 0},
		{"more than an event", "", strings.NewReader(strings.Repeat("\x00", most)), 413, 0},
		{"compressed", "gzip", strings.NewReader(compressed(t, "gzip", text(most))), 200, most},
		{"bomb", "gzip", strings.NewReader(compressed(t, "gzip", text(4*most))), 200, most + 1},
		{"bomb of more than an event", "gzip", strings.NewReader(compressed(t, "gzip", strings.Repeat("\x00", 4*most))), 413, 0},
		{"compressed, and still too large", "gzip", strings.NewReader(compressed(t, "gzip", noise(most))), 200, most + 1},
		{"broken off", "", io.MultiReader(strings.NewReader("a"), iotest.ErrReader(errors.New("gone"))), 400, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := 0
			g := newGateway(t, load(t), invoker(func(_ context.Context, _ string, event []byte) ([]byte, error) {
				got = len(decodeEvent(t, event).Body)
				return []byte(`{"statusCode":200}`), nil
			}), gateway.Options{})
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/files/x", test.body)
			r.Header.Set("Content-Encoding", test.coding)
			if w := do(g, r); w.Code != test.status || got != test.got {
				t.Errorf("status %d and %d bytes in the event, want %d and %d", w.Code, got, test.status, test.got)
			}
		})
	}
}

// The event has the text of the body, wherever it is split into pieces.
func TestBodyText(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"a€", "𝄞", "\xf0\x9d\x84", "\x80\x80\x80", "\"\\<\n\x00\u2028", "\xff€"} {
		for shift := range 4 {
			sent := strings.Repeat("a", shift) + strings.Repeat(piece, 3000)
			got := decodeEvent(t, eventOf(t, request("GET", "/things", sent), gateway.Options{})).Body
			// The conversion replaces each invalid byte by U+FFFD.
			if want := string([]rune(sent)); got != want {
				t.Errorf("%q, shifted by %d, is different in the event", piece, shift)
			}
		}
	}
}

// Large bodies wait a second for room before they are refused; small ones are
// served meanwhile. There is room again when the others have been served.
func TestRoomForBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		g := newGateway(t, load(t), invoker(func(_ context.Context, _ string, event []byte) ([]byte, error) {
			if len(event) > 100_000 {
				<-answer
			}
			return []byte(`{"statusCode":200}`), nil
		}), gateway.Options{})
		large := strings.Repeat("a", httpjson.MaxBodyBytes)
		codes := make(chan int, 100)
		send := func() { codes <- do(g, request("POST", "/files/x", large)).Code }
		for range 2 {
			go send()
		}
		synctest.Wait()
		started := time.Now()
		w := do(g, request("POST", "/files/x", large))
		expect(t, w, 503, `{"failed":"DEFAULT_5XX"}`)
		if w.Header().Get("Retry-After") != "1" || time.Since(started) != time.Second {
			t.Errorf("refused after %s with %v", time.Since(started), w.Header())
		}
		bomb := compressed(t, "gzip", strings.Repeat("a", 100_000))
		expect(t, do(g, request("POST", "/files/x", bomb, "Content-Encoding", "gzip")), 503, `{"failed":"DEFAULT_5XX"}`)
		for _, body := range []string{"", "{}", strings.Repeat("a", 60_000)} {
			expect(t, do(g, request("POST", "/files/x", body)), 200, "")
		}

		// If too many wait, the oldest are refused at once.
		started = time.Now()
		for range 20 {
			go send()
			synctest.Wait()
		}
		for range 4 {
			if code := <-codes; code != 503 || time.Since(started) != 0 {
				t.Errorf("status %d after %s", code, time.Since(started))
			}
		}
		close(answer)
		for range 18 {
			if code := <-codes; code != 200 {
				t.Errorf("status %d of a body that waits", code)
			}
		}
	})
}

// Slow senders keep nobody out: when too many bodies are arriving, the one that
// has been arriving longest is refused.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	g := newGateway(t, load(t), says(`{"statusCode":200}`), gateway.Options{})
	large := strings.Repeat("a", httpjson.MaxBodyBytes)
	slow := make([]*client, 20)
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	for i := range slow {
		slow[i] = dialTo(t, s)
		// The server starts reading when it answers 100.
		if status := slow[i].ask(t, fmt.Sprintf("POST /files/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
			len(large))); status != http.StatusContinue {
			t.Fatalf("status %d", status)
		}
	}
	for _, c := range slow {
		if _, err := io.WriteString(c, large[1:]); err != nil {
			t.Fatal(err)
		}
	}
	if status := slow[0].ask(t, ""); status != http.StatusServiceUnavailable {
		t.Errorf("the slowest is answered %d", status)
	}
	c := dialTo(t, s)
	for range 3 {
		if status := c.ask(t, fmt.Sprintf("POST /files/x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(large), large)); status != 200 {
			t.Errorf("another client is answered %d", status)
		}
	}
	if status := slow[len(slow)-1].ask(t, "a"); status != 200 {
		t.Errorf("the last one is answered %d", status)
	}
}
