package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// front is TLS in front of an engine. It counts the requests.
type front struct {
	url      string
	requests atomic.Int64
	web      *http.Server
}

func newFront(ctx context.Context, engine string, certificate tls.Certificate) (*front, error) {
	target, err := url.Parse(engine)
	if err != nil {
		return nil, fmt.Errorf("address of DynamoDB Local: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	f := &front{url: "https://" + l.Addr().String()}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		// The signature is for the name that the client used.
		r.Out.Host = r.In.Host
	}}
	f.web = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.requests.Add(1)
			proxy.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: time.Minute,
		// Each process of a function leaves its connection behind.
		ErrorLog: log.New(io.Discard, "", 0),
		// DynamoDB speaks HTTP/1.1 only.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	secured := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() {
		// It ends when it is closed.
		_ = f.web.Serve(secured)
	}()
	return f, nil
}

func (f *front) close() { _ = f.web.Close() }
