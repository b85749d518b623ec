package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	"instances/pkg/httpjson"
)

// policy is the Content-Security-Policy of every answer: the page runs its own
// scripts, sends requests to its own origin, and is shown in no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is something to serve.
type file struct {
	contentType string
	// load returns the content, which is made at the first request.
	load func() content
}

type content struct{ body, etag string }

// newFile returns a file whose content is what load returns.
func newFile(contentType string, load func() string) file {
	return file{contentType, sync.OnceValue(func() content {
		body := load()
		return content{body, httpjson.ETag(hash(body))}
	})}
}

// hash returns a short digest of parts.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// handler serves files.
type handler struct {
	// files are those that there are, by their paths below the API.
	files map[string]file
	// version is part of the addresses of the files of the page.
	version func() string
}

// Handler returns the handler of all routes, for GET and HEAD. The path value
// document is the name of a document, such as topology.json, and file that of a
// file of the page; without either, the answer is the page itself. Clients ask
// again for what they have, with its entity tag, except for the files of the
// page: their addresses change with their content.
func Handler() http.Handler {
	h := &handler{files: map[string]file{}}
	h.addDocuments()
	h.addPage()
	return h
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	name := "docs"
	if document := r.PathValue("document"); document != "" {
		name = "openapi/" + document
	} else if f := r.PathValue("file"); f != "" {
		name += "/" + f
	}
	f, ok := h.files[name]
	if !ok {
		// As API Gateway answers for unknown paths.
		header.Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this path."}`)
		return
	}
	// API Gateway takes both forms. Relative addresses mean something else in
	// the one with a slash.
	if strings.HasSuffix(r.URL.Path, "/") {
		target := "../" + path.Base(name)
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		header.Set("Location", target)
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	c := f.load()
	header.Set("ETag", c.etag)
	if strings.HasPrefix(name, "docs/") && r.URL.Query().Get("v") == h.version() {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if httpjson.NotModified(r, c.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.contentType)
	_, _ = io.WriteString(w, c.body)
}
