package amazontrust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	dialTimeout      = 2 * time.Second
	handshakeTimeout = 3 * time.Second
	keepAlive        = 30 * time.Second
	// idleTimeout is longer than a function sleeps between two requests of a
	// busy minute; AWS closes idle connections by itself.
	idleTimeout = 90 * time.Second
	// maxIdle is for a process that serves many requests at once.
	maxIdle = 64
)

// NewTransport returns a transport that verifies servers against the roots of
// Amazon Trust Services, and against those of the system only where that
// fails. It reads neither before its first connection over TLS. Through a
// proxy from the environment it verifies against the system's.
func NewTransport() *http.Transport {
	return newTransport(roots, x509.SystemCertPool)
}

// newTransport returns a transport that trusts first, then second.
func newTransport(first, second func() (*x509.CertPool, error)) *http.Transport {
	d := &dialer{
		dial:   (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext,
		first:  sync.OnceValues(first),
		second: sync.OnceValues(second),
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           d.dial,
		DialTLSContext:        d.dialTLS,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   handshakeTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConns:          maxIdle,
		MaxIdleConnsPerHost:   maxIdle,
		ExpectContinueTimeout: time.Second,
	}
}

// dialer makes connections over TLS. It is safe for concurrent use.
type dialer struct {
	dial          func(ctx context.Context, network, address string) (net.Conn, error)
	first, second func() (*x509.CertPool, error)
}

// dialTLS connects and verifies against the first roots. Where these do not
// know who signed the certificate, it connects anew and verifies against the
// second. Any other failure, such as a wrong name, is final.
func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.connect(ctx, network, address, d.first)
	if !unknownSigner(err) {
		return conn, err
	}
	return d.connect(ctx, network, address, d.second)
}

// unknownSigner reports whether other roots may verify what failed with err.
func unknownSigner(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		return false
	}
	// A certificate for another name is wrong whoever signed it.
	_, wrongName := errors.AsType[x509.HostnameError](err)
	return !wrongName
}

// connect makes one verified connection.
func (d *dialer) connect(ctx context.Context, network, address string, trust func() (*x509.CertPool, error)) (net.Conn, error) {
	pool, err := trust()
	if err != nil {
		return nil, fmt.Errorf("read root certificates: %w", err)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address to connect to: %w", err)
	}
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Client(raw, &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}
