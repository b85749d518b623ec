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
// A secret in the file that belongs to no key is that of a key that was revoked
// and has been cleaned up since, and must not work again. Only where the
// database is fresh, the key is made from the file.
func ensureLocalKey(ctx context.Context, r repository, dir, shown string, fresh bool, now time.Time) (note string, err error) {
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
	case errors.Is(err, auth.ErrNoCredential) && fresh:
		return "", registerLocalKey(ctx, r, secret, now)
	case errors.Is(err, auth.ErrNoCredential):
		return mismatch, nil
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
//
// The file gets its name when the key exists. A start that ended between the
// two left the secret under another name, and the next one finds it there.
func mintLocalKey(ctx context.Context, r repository, path, shown string, now time.Time) (note string, err error) {
	made := path + ".new"
	lost, err := credentialNamed(ctx, r, localKey)
	if err != nil {
		return "", err
	}
	if lost.Name != "" && lost.Owner != localKey {
		return nameOfOther(lost.Owner, shown), nil
	}
	if lost.Name != "" && lost.Usable(now) {
		if b, err := os.ReadFile(made); err == nil && auth.Hash(strings.TrimSpace(string(b))) == lost.Hash {
			return "", os.Rename(made, path)
		}
		if _, err := r.RevokeCredential(ctx, localKey, now); err != nil {
			return "", fmt.Errorf("revoke the key %s: %w", localKey, err)
		}
		note = fmt.Sprintf("The file %s was missing, so the key %s was revoked and minted again.", shown, localKey)
	}
	secret := auth.NewSecret()
	if err := writePrivate(made, secret+"\n"); err != nil {
		return "", fmt.Errorf("keep the secret of the key %s: %w", localKey, err)
	}
	err = registerLocalKey(ctx, r, secret, now)
	if errors.Is(err, auth.ErrNameOfOther) {
		// The key of the other one has been cleaned up.
		return nameOfOther("another owner", shown), os.Remove(made)
	}
	if err != nil {
		return "", err
	}
	return note, os.Rename(made, path)
}

// nameOfOther says that the name of the key is not to be had.
func nameOfOther(owner, shown string) string {
	return fmt.Sprintf("The name %s belongs to %s, so no key was minted for %s. Use a key of yours below.", localKey, owner, shown)
}

func registerLocalKey(ctx context.Context, r repository, secret string, now time.Time) error {
	err := auth.Register(ctx, r, auth.NewKey{Name: localKey, Allow: []string{auth.AllowAll}}, secret, now)
	if err != nil {
		return fmt.Errorf("mint the key %s: %w", localKey, err)
	}
	return nil
}

// writePrivate writes a file that only its owner can read. Only one process may
// do so at a time.
func writePrivate(path, text string) error {
	// What an earlier attempt left is replaced; the database is locked.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
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
