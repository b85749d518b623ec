package amazontrust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The embedded roots are those of Amazon Trust Services, by the fingerprints
// that it publishes, and no others.
func TestRoots(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
		"Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
		"Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
		"Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
		"Starfield Services Root Certificate Authority - G2": "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
	}
	for rest := rootsPEM; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(c.Raw)
		if got := hex.EncodeToString(sum[:]); got != want[c.Subject.CommonName] {
			t.Errorf("fingerprint of %q is %s", c.Subject.CommonName, got)
		}
		if !c.IsCA || c.NotAfter.Before(time.Now()) {
			t.Errorf("%q is no root that is in force", c.Subject.CommonName)
		}
		delete(want, c.Subject.CommonName)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if _, err := roots(); err != nil {
		t.Error(err)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	now := time.Now()
	good := ours.certificate(t, "127.0.0.1", now.Add(time.Hour))
	wrongName := ours.certificate(t, "127.0.0.2", now.Add(time.Hour))
	expired := ours.certificate(t, "127.0.0.1", now.Add(-time.Minute))
	for _, test := range []struct {
		name          string
		server        tls.Certificate
		first, second *authority
		accepted      bool
		readsSecond   bool
	}{
		{"the first suffices", good, ours, other, true, false},
		{"the second knows the signer", good, other, ours, true, true},
		{"both know the signer", good, ours, ours, true, false},
		{"neither knows the signer", good, other, other, false, true},
		{"wrong name", wrongName, ours, ours, false, false},
		{"wrong name, the second knows the signer", wrongName, other, ours, false, false},
		{"expired", expired, ours, ours, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, test.server)
			var read atomic.Int64
			transport := newTransport(test.first.pool, func() (*x509.CertPool, error) {
				read.Add(1)
				return test.second.pool()
			})
			t.Cleanup(transport.CloseIdleConnections)
			for range 3 {
				err := get(t, transport, url)
				if accepted := err == nil; accepted != test.accepted {
					t.Fatalf("request ends in %v", err)
				}
				if _, ok := errors.AsType[*tls.CertificateVerificationError](err); err != nil && !ok {
					t.Errorf("error is %v, want one of verification", err)
				}
			}
			if got := read.Load() > 0; got != test.readsSecond {
				t.Errorf("the second roots were read: %v, want %v", got, test.readsSecond)
			}
			if read.Load() > 1 {
				t.Errorf("the second roots were read %d times", read.Load())
			}
			if got := requests.Load() > 0; got != test.accepted {
				t.Errorf("the server got a request: %v, want %v", got, test.accepted)
			}
		})
	}
}

// Roots that cannot be read let nobody in.
func TestTransportWithoutRoots(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	none := func() (*x509.CertPool, error) { return nil, errors.New("cannot be read") }
	url, requests := serve(t, ours.certificate(t, "127.0.0.1", time.Now().Add(time.Hour)))
	for name, transport := range map[string]*http.Transport{
		"first":  newTransport(none, ours.pool),
		"second": newTransport(newAuthority(t).pool, none),
	} {
		if err := get(t, transport, url); err == nil {
			t.Errorf("accepted without the %s roots", name)
		}
	}
	if requests.Load() > 0 {
		t.Error("the server got a request")
	}
}

// What needs no TLS reads no roots, and connections are used again.
func TestTransportReadsNothingForHTTP(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	fail := func() (*x509.CertPool, error) {
		t.Error("roots were read")
		return x509.NewCertPool(), nil
	}
	transport := newTransport(fail, fail)
	t.Cleanup(transport.CloseIdleConnections)
	for range 3 {
		if err := get(t, transport, server.URL); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// get makes a request and reads its answer.
func get(t *testing.T, transport *http.Transport, url string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.Body.Close()
}

// serve starts a server with the certificate, which counts its requests.
func serve(t *testing.T, certificate tls.Certificate) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, requests
}

// authority signs certificates for one test.
type authority struct {
	key  *ecdsa.PrivateKey
	root *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root " + strings.ToLower(rand.Text())},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, root}
}

// pool returns the roots that trust the authority.
func (a *authority) pool() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool, nil
}

// certificate signs one for a server at the address.
func (a *authority) certificate(t *testing.T, ip string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.ParseIP(ip)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.root, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}
