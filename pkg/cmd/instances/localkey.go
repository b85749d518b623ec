package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"instances/pkg/auth"
)

const (
	// localKey is the name of the key that serve mints for this machine.
	localKey = "local"
	// localKeyFile is the file in the data folder that holds its secret.
	localKeyFile = "local.key"
)

// ensureLocalKey sees to it that the file in the folder dir holds the secret
// of a key that works, and mints the key local where there is no file. It
// leaves alone what a person did: a key that was revoked, a file that was
// changed. The note says so, and what to do, to a person who knows the folder
// as shown; it is empty when all is well.
//
// The secret is in the file before the key exists. A start that ended between
// the two left a secret without a key, and the next one makes the key.
func ensureLocalKey(ctx context.Context, r repository, dir, shown string, now time.Time) (note string, err error) {
	path := filepath.Join(dir, localKeyFile)
	shown = filepath.Join(shown, localKeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mintLocalKey(ctx, r, path, shown, now)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret of the key %s: %w", localKey, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return "", fmt.Errorf("keep the secret of the key %s to its owner: %w", localKey, err)
	}
	remedy := fmt.Sprintf("For a new key %s, remove %s and start again.", localKey, shown)
	mismatch := fmt.Sprintf("The file %s does not hold the secret of the key %s. %s", shown, localKey, remedy)
	secret := strings.TrimSpace(string(b))
	if !auth.ValidSecret(secret) {
		return mismatch, nil
	}
	c, err := r.Credential(ctx, auth.Hash(secret))
	switch {
	case errors.Is(err, auth.ErrNoCredential):
		err := registerLocalKey(ctx, r, secret, now)
		if errors.Is(err, auth.ErrNameTaken) || errors.Is(err, auth.ErrNameOfOther) {
			return mismatch, nil
		}
		return "", err
	case err != nil:
		return "", fmt.Errorf("read the key %s: %w", localKey, err)
	case c.Name != localKey:
		return mismatch, nil
	case !c.Usable(now):
		return fmt.Sprintf("The key %s is revoked or expired. %s", localKey, remedy), nil
	}
	return "", nil
}

// mintLocalKey makes the key and its file. A key local whose secret is lost is
// revoked first.
func mintLocalKey(ctx context.Context, r repository, path, shown string, now time.Time) (note string, err error) {
	lost, err := credentialNamed(ctx, r, localKey)
	if err != nil {
		return "", err
	}
	if lost.Name != "" && lost.Owner != localKey {
		return fmt.Sprintf("The name %s belongs to %s, so no key was minted for %s. Use a key of yours below.",
			localKey, lost.Owner, shown), nil
	}
	if lost.Name != "" && lost.Usable(now) {
		if _, err := r.RevokeCredential(ctx, localKey, now); err != nil {
			return "", fmt.Errorf("revoke the key %s: %w", localKey, err)
		}
		note = fmt.Sprintf("The file %s was missing, so the key %s was revoked and minted again.", shown, localKey)
	}
	secret := auth.NewSecret()
	if err := writePrivate(path, secret+"\n"); err != nil {
		return "", fmt.Errorf("keep the secret of the key %s: %w", localKey, err)
	}
	return note, registerLocalKey(ctx, r, secret, now)
}

func registerLocalKey(ctx context.Context, r repository, secret string, now time.Time) error {
	err := auth.Register(ctx, r, auth.NewKey{Name: localKey, Allow: []string{auth.AllowAll}}, secret, now)
	if err != nil {
		return fmt.Errorf("mint the key %s: %w", localKey, err)
	}
	return nil
}

// writePrivate writes a file that only its owner can read, whole or not at
// all. Only one process may do so at a time.
func writePrivate(path, text string) error {
	// What an earlier attempt left is overwritten; the database is locked.
	made := path + ".new"
	f, err := os.OpenFile(made, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(made, path)
}

// credentialNamed returns the key of that name, or the zero value.
func credentialNamed(ctx context.Context, r repository, name string) (auth.Credential, error) {
	for c, err := range r.Credentials(ctx) {
		if err != nil {
			return auth.Credential{}, fmt.Errorf("read the keys: %w", err)
		}
		if c.Name == name {
			return c, nil
		}
	}
	return auth.Credential{}, nil
}
