package amazontrust

import (
	"crypto/x509"
	_ "embed"
	"errors"
)

// rootsPEM are the roots of Amazon Trust Services, as its repository and the
// common trust stores have them.
//
//go:embed roots.pem
var rootsPEM []byte

// roots parses the roots of Amazon Trust Services.
func roots() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(rootsPEM) {
		return nil, errors.New("no root certificates")
	}
	return pool, nil
}
