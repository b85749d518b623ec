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

// keyBits is the size of the keys in DynamoDB's chain.
const keyBits = 2048

// newChain returns a certificate for 127.0.0.1 with its intermediate, as AWS
// has it, and the root that both are verified with, in PEM.
func newChain(now time.Time) (server tls.Certificate, root []byte, err error) {
	var issuer *x509.Certificate
	var issuerKey crypto.Signer
	for i, name := range []string{"Root", "Intermediate", "127.0.0.1"} {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return server, nil, fmt.Errorf("create a key: %w", err)
		}
		certificate := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "Cold starts " + name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		if name == "127.0.0.1" {
			certificate.IsCA, certificate.KeyUsage = false, x509.KeyUsageDigitalSignature
			certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			certificate.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		if issuer == nil {
			issuer, issuerKey = certificate, key
		}
		raw, err := x509.CreateCertificate(rand.Reader, certificate, issuer, &key.PublicKey, issuerKey)
		if err == nil {
			issuer, err = x509.ParseCertificate(raw)
		}
		if err != nil {
			return server, nil, fmt.Errorf("create a certificate: %w", err)
		}
		issuerKey = key
		if root == nil {
			root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
			continue
		}
		server.Certificate = append([][]byte{raw}, server.Certificate...)
		server.PrivateKey = key
	}
	return server, root, nil
}
