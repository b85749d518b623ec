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
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawConnections is the environment variable with the number of connections that
// TestRawConnections makes, and rawSeed that with its seed.
const (
	rawConnections = "RAW_CONNECTIONS"
	rawSeed        = "RAW_SEED"
)

// No bytes that a stranger sends end the server, make it fail or stay in its
// memory: pipelined requests, written in pieces, with bodies of all kinds, and
// connections that are closed, half-closed or reset at any point.
func TestRawConnections(t *testing.T) {
	t.Parallel()
	connections, seed := 100, rand.Uint64()
	if s := os.Getenv(rawConnections); s != "" {
		connections, _ = strconv.Atoi(s)
	}
	if s := os.Getenv(rawSeed); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("seed %d", seed)
	s := startServe(t, t.TempDir(), "--quiet")
	addr := strings.TrimPrefix(s.url, "http://")
	rounds := 1
	if connections > 10_000 {
		rounds = 10
	}
	heap := make([]uint64, rounds)
	for round := range rounds {
		next := make(chan uint64)
		var senders sync.WaitGroup
		for range 32 {
			senders.Go(func() {
				for i := range next {
					if err := sendRaw(addr, rand.New(rand.NewPCG(seed, i))); err != nil {
						t.Errorf("connection %d: %v", i, err)
					}
				}
			})
		}
		for i := range connections / rounds {
			next <- uint64(round*connections/rounds + i)
		}
		close(next)
		senders.Wait()
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap[round] = m.HeapAlloc
	}
	t.Logf("heap after each tenth, in KB: %d", kilobytes(heap))
	// The first tenth has filled what is kept for later connections.
	if first, last := heap[0], heap[rounds-1]; last > first+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes", first, last)
	}
	if status, body := send(t, s.url, "wrong", "GET", "/1", ""); status != http.StatusUnauthorized {
		t.Errorf("afterwards a request is answered %d %s", status, body)
	}
}

func kilobytes(bytes []uint64) []uint64 {
	for i := range bytes {
		bytes[i] >>= 10
	}
	return bytes
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
	// Where the sender waits for some of an answer before it goes on.
	var pauses []int
	for range 1 + r.IntN(4) {
		head, body := rawRequest(r)
		sent = append(sent, head...)
		if len(sent) > len(head) && r.IntN(2) == 0 {
			pauses = append(pauses, len(sent)-2+r.IntN(3))
		}
		sent = append(sent, body...)
	}
	if r.IntN(3) == 0 {
		sent[r.IntN(len(sent))] = byte(r.Uint32())
	}
	if r.IntN(8) == 0 {
		sent = sent[:r.IntN(len(sent))]
	}
	longest := max([]int{1, 7, 100, len(sent)}[r.IntN(4)], len(sent)/500)
	var answers bytes.Buffer
	part := make([]byte, 4096)
	for at := 0; at < len(sent); {
		if len(pauses) > 0 && at >= pauses[0] {
			pauses = pauses[1:]
			// What was damaged may have no answer yet.
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			n, _ := conn.Read(part)
			answers.Write(part[:n])
			_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
		}
		end := min(at+1+r.IntN(longest), len(sent))
		if len(pauses) > 0 && at < pauses[0] {
			end = min(end, pauses[0])
		}
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
	if _, err := io.Copy(&answers, conn); os.IsTimeout(err) {
		return fmt.Errorf("no end of the answers to %.200q: %q", sent, answers.String())
	}
	if line := fault.FindString(answers.String()); line != "" {
		return fmt.Errorf("%.200q is answered %q", sent, answers.String())
	}
	return nil
}

// rawRequest returns a request whose parts fit together more often than not.
func rawRequest(r *rand.Rand) (head, body string) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	body = pick("", "{}", `{"instanceName":"a","instanceCode":"b"}`, "x-one: 1\r\ny: 2\r\n\n", strings.Repeat("a", r.IntN(5000)), strings.Repeat("\x00", r.IntN(20)/19*100_000))
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
	return strings.Join(lines, "\r\n") + "\r\n\r\n", body
}

// A request whose header ends only after the answer to the one before it, and
// that more bytes follow at once, is a request like any other.
func TestLateEndOfHeader(t *testing.T) {
	t.Parallel()
	s := startServe(t, t.TempDir(), "--quiet")
	// Lines like those of a header, and long, so that the byte after it is read by
	// itself.
	body := "x\nx:" + strings.Repeat("a", 100_000)
	for range 20 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		var header strings.Builder
		for i := range 200 {
			fmt.Fprintf(&header, "x-%d: a\r\n", i)
		}
		part := make([]byte, 4096)
		for _, bytes := range []string{
			"GET /none HTTP/1.1\r\nHost: h\r\n\r\nPUT /instances/create HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eDp5\r\n" +
				header.String() + fmt.Sprintf("Content-Length: %d\r\n", len(body)),
			"\r\n" + body + "\n",
		} {
			if _, err := io.WriteString(conn, bytes); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(bytes, "GET") {
				_, _ = conn.Read(part)
			}
		}
		n, err := conn.Read(part)
		if err != nil || !strings.HasPrefix(string(part[:n]), "HTTP/1.1 401 ") {
			t.Errorf("answer %q, %v", part[:n], err)
		}
		_ = conn.Close()
	}
}
