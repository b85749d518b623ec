package serving

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"instances/pkg/app"
	"instances/pkg/auth"
)

const (
	// LocalKey is the name of the key that a server mints for its machine.
	LocalKey = "local"
	// localKeyFile is the file in the data folder that holds its secret.
	localKeyFile = "local.key"
)

// EnsureLocalKey makes sure that the file in the folder dir holds the secret
// of a key that works, and makes the key local where there is no file. It
// leaves alone what a person did: a key that was revoked, a file that was
// changed. The note says so, and what to do, to a person who knows the folder
// as shown; it is empty when all is well.
//
// A secret in the file that belongs to no key is that of a key that was revoked
// and has been cleaned up since, and must not work again. Only if the database
// is fresh is the key made from the file.
func EnsureLocalKey(ctx context.Context, r app.OperatorRepository, dir, shown string, fresh bool, now time.Time) (note string, err error) {
	path := filepath.Join(dir, localKeyFile)
	shown = filepath.Join(shown, localKeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeLocalKey(ctx, r, path, shown, now)
	}
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret of the key %s: %w", LocalKey, err)
	}
	secret := strings.TrimSpace(string(b))
	if fresh && auth.ValidSecret(secret) {
		return "", registerLocalKey(ctx, r, secret, now)
	}
	remedy := fmt.Sprintf("For a new key %s, remove %s and start again.", LocalKey, shown)
	k, err := r.Credential(ctx, auth.Hash(secret))
	switch {
	case errors.Is(err, auth.ErrNoCredential), err == nil && k.Name != LocalKey:
		return fmt.Sprintf("The file %s does not hold the secret of the key %s. %s", shown, LocalKey, remedy), nil
	case err != nil:
		return "", fmt.Errorf("read the key %s: %w", LocalKey, err)
	case !k.Usable(now):
		return fmt.Sprintf("The key %s is revoked or expired. %s", LocalKey, remedy), nil
	}
	return "", nil
}

// makeLocalKey makes the key and its file. A key local whose secret is lost is
// revoked first. The file gets its name last, so that a start that was
// interrupted is made good by the next one.
func makeLocalKey(ctx context.Context, r app.OperatorRepository, path, shown string, now time.Time) (note string, err error) {
	secret, unnamed := auth.NewSecret(), path+".new"
	if err := WritePrivate(unnamed, secret+"\n"); err != nil {
		return "", fmt.Errorf("keep the secret of the key %s: %w", LocalKey, err)
	}
	err = registerLocalKey(ctx, r, secret, now)
	if errors.Is(err, auth.ErrNameTaken) {
		if _, err := r.RevokeCredential(ctx, LocalKey, now); err != nil {
			return "", fmt.Errorf("revoke the key %s: %w", LocalKey, err)
		}
		note = fmt.Sprintf("The file %s was missing, so the key %s was revoked and minted again.", shown, LocalKey)
		err = registerLocalKey(ctx, r, secret, now)
	}
	if errors.Is(err, auth.ErrNameOfOther) {
		return fmt.Sprintf("The name %s belongs to another owner, so no key was minted for %s. Use a key of yours below.", LocalKey, shown),
			os.Remove(unnamed)
	}
	if err != nil {
		return "", err
	}
	return note, os.Rename(unnamed, path)
}

func registerLocalKey(ctx context.Context, r app.OperatorRepository, secret string, now time.Time) error {
	err := auth.Register(ctx, r, auth.NewKey{Name: LocalKey, Allow: []string{auth.AllowAll}}, secret, now)
	if err != nil {
		return fmt.Errorf("create the key %s: %w", LocalKey, err)
	}
	return nil
}

// WritePrivate writes a file that only its owner can read, in place of one
// that is there.
func WritePrivate(path, text string) error {
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

// LocalSecret returns the secret of the key local of the folder dir.
func LocalSecret(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, localKeyFile))
	return strings.TrimSpace(string(b)), err
}
