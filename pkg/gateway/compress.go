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

// The content codings that API Gateway supports, besides identity.
const (
	codingGzip = "gzip"
	// codingDeflate is the zlib format, as in RFC 9110.
	codingDeflate = "deflate"
)

// errUnknownCoding means that the content coding is not supported, or that the
// body is not encoded with it.
var errUnknownCoding = errors.New("unknown content coding")

// decoded removes the content coding of a request body. As documented, a body
// below the minimum compression size is left as it is. The header stays; see the
// table in AWS's important notes for REST APIs.
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

// send writes the answer of an integration, compressed if the API supports it
// and the client asks for it. The ETag does not change.
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
	// Writes to memory never fail.
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

// preferred returns the content coding with the highest quality, the first of
// several. API Gateway compresses only if it supports that one.
func preferred(accept []string) string {
	best, most := "", 0.0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q="); ok {
			// An invalid quality counts as 0.
			quality, _ = strconv.ParseFloat(q, 64)
		}
		if quality > most {
			best, most = strings.ToLower(strings.TrimSpace(coding)), quality
		}
	}
	return best
}
