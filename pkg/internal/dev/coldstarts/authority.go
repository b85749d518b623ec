package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// keyBits is the size of the keys of the chain that DynamoDB shows.
const keyBits = 2048

// chain is a certificate for this machine and the root that it is verified
// with, in PEM. Between the two is another one, as AWS has it.
type chain struct {
	server tls.Certificate
	root   []byte
}

func newChain(now time.Time) (chain, error) {
	var c chain
	var issuer *x509.Certificate
	var issuerKey crypto.Signer
	for i, name := range []string{"Root", "Intermediate", "127.0.0.1"} {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return chain{}, fmt.Errorf("make a key: %w", err)
		}
		certificate := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "Cold starts " + name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		leaf := name == "127.0.0.1"
		if leaf {
			certificate.IsCA, certificate.KeyUsage = false, x509.KeyUsageDigitalSignature
			certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			certificate.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		if issuer == nil {
			issuer, issuerKey = certificate, key
		}
		raw, err := x509.CreateCertificate(rand.Reader, certificate, issuer, &key.PublicKey, issuerKey)
		if err != nil {
			return chain{}, fmt.Errorf("make a certificate: %w", err)
		}
		switch {
		case c.root == nil:
			c.root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
		case leaf:
			c.server.Certificate = append([][]byte{raw}, c.server.Certificate...)
			c.server.PrivateKey = key
		default:
			c.server.Certificate = append(c.server.Certificate, raw)
		}
		if issuer, err = x509.ParseCertificate(raw); err != nil {
			return chain{}, fmt.Errorf("make a certificate: %w", err)
		}
		issuerKey = key
	}
	return c, nil
}
