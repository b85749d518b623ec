package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// front serves an engine over TLS, with HTTP/1.1 only as DynamoDB does, and
// counts the requests.
type front struct {
	*httptest.Server
	requests atomic.Int64
}

func newFront(engine string, certificate tls.Certificate) (*front, error) {
	target, err := url.Parse(engine)
	if err != nil {
		return nil, fmt.Errorf("address of DynamoDB Local: %w", err)
	}
	var f front
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		// The signature covers the host that the client used.
		r.Out.Host = r.In.Host
	}}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	f.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	// Each process that ends leaves its connection open.
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.StartTLS()
	return &f, nil
}
