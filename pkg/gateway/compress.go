package gateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The content codings that API Gateway knows, besides identity.
const (
	codingGzip = "gzip"
	// codingDeflate is that of RFC 9110, with zlib's frame.
	codingDeflate = "deflate"
)

// errUnknownCoding says that the content coding is not known, or that the body
// does not have it.
var errUnknownCoding = errors.New("unknown content coding")

// decoded returns a request's body without its content coding. As documented, a
// body that is smaller than those that are compressed in answers is left as it
// is. The header stays; see the table in AWS's important notes for REST APIs.
func (g *gateway) decoded(h http.Header, body []byte) (io.Reader, error) {
	var open func(io.Reader) (io.ReadCloser, error)
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "", "identity":
		return bytes.NewReader(body), nil
	case codingGzip:
		open = func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }
	case codingDeflate:
		open = zlib.NewReader
	default:
		return nil, errUnknownCoding
	}
	if len(body) == 0 || len(body) < g.api.CompressFrom {
		return bytes.NewReader(body), nil
	}
	r, err := open(bytes.NewReader(body))
	if err != nil {
		return nil, errUnknownCoding
	}
	return r, nil
}

// send ends the answer of an integration, compressed if the API does so and
// the client asks for it. Its ETag stays what it is.
func (g *gateway) send(w http.ResponseWriter, r *http.Request, status int, body string) {
	if g.api.CompressFrom > 0 && len(body) >= g.api.CompressFrom && w.Header().Get("Content-Encoding") == "" {
		if coding := preferred(r.Header.Values("Accept-Encoding")); coding == codingGzip || coding == codingDeflate {
			w.Header().Set("Content-Encoding", coding)
			body = compress(coding, body)
		}
	}
	send(w, status, body)
}

func compress(coding, body string) string {
	var b strings.Builder
	var w io.WriteCloser = zlib.NewWriter(&b)
	if coding == codingGzip {
		w = gzip.NewWriter(&b)
	}
	// Writing to memory never fails.
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

// preferred returns the content coding that a client likes best, the first of
// several. API Gateway compresses only if it knows that one.
func preferred(accept []string) string {
	best, most := "", 0.0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q="); ok {
			// What is no number counts as 0.
			quality, _ = strconv.ParseFloat(q, 64)
		}
		if quality > most {
			best, most = strings.ToLower(strings.TrimSpace(coding)), quality
		}
	}
	return best
}
