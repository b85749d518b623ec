package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"instances/pkg/rehearsal"
)

// built tells where the binaries and the roots of the system are.
type built struct {
	functions, baselines string
	// bundle is a file with the roots of this machine and of the run. The two
	// folders have the same roots again, as on provided.al2023: one has a file
	// with two links for each root; the other has the bundle, and also in a form
	// that Go decodes and skips. See golang/go#79018.
	bundle, folders string
}

// build builds everything. Files for this run alone go to scratch.
func (m *measurement) build(ctx context.Context, scratch string, rootPEM []byte) (built, error) {
	embedded := filepath.Join(m.root, "pkg", "amazontrust", "roots.pem")
	amazon, err := os.ReadFile(embedded)
	if err != nil {
		return built{}, fmt.Errorf("read the roots: %w", err)
	}
	replacement, overlay := filepath.Join(scratch, "roots.pem"), filepath.Join(scratch, "overlay.json")
	plan, err := json.Marshal(map[string]map[string]string{"Replace": {embedded: replacement}})
	if err != nil {
		return built{}, err
	}
	err = errors.Join(
		os.WriteFile(replacement, append(amazon, rootPEM...), 0o600),
		os.WriteFile(overlay, plan, 0o600),
	)
	if err != nil {
		return built{}, fmt.Errorf("write the overlay: %w", err)
	}
	arguments := []string{"-overlay=" + overlay}
	for _, f := range m.functions {
		arguments = append(arguments, "./functions/"+f.Name)
	}
	var b built
	if b.functions, err = rehearsal.BuildPackages(ctx, m.root, "coldstarts/functions", arguments...); err != nil {
		return built{}, err
	}
	const baselines = "./pkg/internal/dev/coldstarts/testdata/"
	if b.baselines, err = rehearsal.BuildPackages(ctx, m.root, "coldstarts/baselines", baselines+"empty", baselines+"usual"); err != nil {
		return built{}, err
	}
	return b, b.systemRoots(scratch, rootPEM)
}

// systemRoots writes the files that the usual way reads roots from.
func (b *built) systemRoots(scratch string, rootPEM []byte) error {
	// Go looks there.
	var roots []byte
	for _, path := range []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	} {
		var err error
		if roots, err = os.ReadFile(path); err == nil {
			break
		}
	}
	if roots == nil {
		return errors.New("this machine has no file with root certificates: install ca-certificates")
	}
	roots = append(roots, rootPEM...)
	b.bundle = filepath.Join(scratch, "bundle.pem")
	ssl, pki := filepath.Join(scratch, "ssl"), filepath.Join(scratch, "pki")
	b.folders = ssl + string(filepath.ListSeparator) + pki
	err := errors.Join(
		os.WriteFile(b.bundle, roots, 0o600),
		os.Mkdir(ssl, 0o700), os.Mkdir(pki, 0o700),
		os.WriteFile(filepath.Join(pki, "ca-bundle.crt"), roots, 0o600),
		os.WriteFile(filepath.Join(pki, "ca-bundle.trust.crt"), bytes.ReplaceAll(roots, []byte(" CERTIFICATE"), []byte(" TRUSTED CERTIFICATE")), 0o600),
	)
	for i, rest := 0, roots; ; i++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		name := fmt.Sprintf("root-%d.pem", i)
		err = errors.Join(err, os.WriteFile(filepath.Join(ssl, name), pem.EncodeToMemory(block), 0o600))
		for hash := range 2 {
			err = errors.Join(err, os.Symlink(name, filepath.Join(ssl, fmt.Sprintf("%08x.%d", i, hash))))
		}
	}
	if err != nil {
		return fmt.Errorf("write the roots of the system: %w", err)
	}
	return nil
}
