package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// No bytes that a stranger sends end the server or make it fail: pipelined
// requests, written in pieces, with bodies of all kinds, and connections that are
// closed, half-closed or reset at any point. No answer is plain text.
func TestRawConnections(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := startServe(t, t.TempDir(), "--quiet")
	addr := strings.TrimPrefix(s.url, "http://")
	var senders sync.WaitGroup
	for i := range uint64(100) {
		senders.Go(func() {
			if err := sendRaw(addr, rand.New(rand.NewPCG(seed, i))); err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
		})
	}
	senders.Wait()
	if status, body := send(t, s.url, "wrong", "GET", "/1", ""); status != http.StatusUnauthorized {
		t.Errorf("afterwards a request is answered %d %s", status, body)
	}
}

// fault is a status that says the server is at fault. Not among them are 501 and
// 505, for a transfer coding or a version that is not there, and 503.
var fault = regexp.MustCompile(`(?m)^HTTP/1\.\d 50[0246-9]`)

// sendRaw makes one connection and returns what was wrong with the answers.
func sendRaw(addr string, r *rand.Rand) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	var sent []byte
	for range 1 + r.IntN(4) {
		sent = append(sent, rawRequest(r)...)
	}
	if r.IntN(3) == 0 {
		sent[r.IntN(len(sent))] = byte(r.Uint32())
	}
	if r.IntN(8) == 0 {
		sent = sent[:r.IntN(len(sent))]
	}
	longest := max([]int{1, 7, 100, len(sent)}[r.IntN(4)], len(sent)/500)
	for at := 0; at < len(sent); {
		end := min(at+1+r.IntN(longest), len(sent))
		// The server may have closed the connection.
		if _, err := conn.Write(sent[at:end]); err != nil {
			break
		}
		at = end
	}
	tcp := conn.(*net.TCPConn)
	switch r.IntN(8) {
	case 0:
		return tcp.SetLinger(0)
	case 1:
		return nil
	}
	_ = tcp.CloseWrite()
	answers, err := io.ReadAll(conn)
	if os.IsTimeout(err) {
		return fmt.Errorf("no end of the answers to %.200q: %w", sent, err)
	}
	if fault.Match(answers) || bytes.Contains(answers, []byte("Content-Type: text/")) {
		return fmt.Errorf("%.200q is answered %q", sent, answers)
	}
	return nil
}

// rawRequest returns a request whose parts fit together more often than not.
func rawRequest(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	body := pick("", "{}", `{"instanceName":"a","instanceCode":"b"}`, "x-one: 1\r\ny: 2\r\n\n", strings.Repeat("a", r.IntN(5000)), strings.Repeat("\x00", r.IntN(20)/19*100_000))
	lines := []string{
		pick("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE") + " " +
			pick("/flexdeploy/rest/v1/topology/instance", "/flexdeploy/rest/v1/topology/instance/1", "/api/v1/instances/",
				"/instances/create", "/none", "/%2e%2e//?a=%zz;b", "*") + pick(" HTTP/1.1", " HTTP/1.1", " HTTP/1.1", " HTTP/1.0"),
		pick("Host: h", "host: h", "HOST: [::1]:80"),
		pick("authorization: Basic eDp5", "Authorization: Token x", "X-A: b"),
		pick("content-type: application/json", "CONTENT-TYPE: text/plain; a", "If-Match: *", "x-long: "+strings.Repeat("a", r.IntN(3)/2*r.IntN(12_000))),
	}
	if r.IntN(4) == 0 {
		lines = append(lines, pick("Expect: 100-continue", "Connection: close", "Connection: Upgrade", "Transfer-Encoding: gzip"))
	}
	if r.IntN(4) == 0 {
		var b strings.Builder
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, strings.Repeat("\x00", r.IntN(20)/19<<21)+body)
		_ = w.Close()
		body = b.String()
		lines = append(lines, "Content-Encoding: "+pick("gzip", "gzip", "deflate", "br"))
	}
	if r.IntN(3) == 0 {
		lines = append(lines, "Transfer-Encoding: chunked")
		half := r.IntN(len(body) + 1)
		var chunks strings.Builder
		for _, piece := range []string{body[:half], body[half:]} {
			if piece != "" {
				fmt.Fprintf(&chunks, "%x%s\r\n%s\r\n", len(piece), pick("", "", ";a=b"), piece)
			}
		}
		body = chunks.String() + "0\r\n" + pick("", "", "x-trailer: 1\r\n") + "\r\n"
	} else if body != "" || r.IntN(2) == 0 {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)+r.IntN(10)/9))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}
