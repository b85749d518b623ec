package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// ErrThrottled reports that there were too many wrong passwords for another one to
// be tried now. It says nothing about the credentials.
var ErrThrottled = errors.New("too many wrong passwords")

// How many wrong passwords are tried: so many at once, and then one each RetryAfter.
// What was tried before costs nothing, so a client that goes on sending the same
// does not count.
const (
	maxWrong = 10
	// RetryAfter is how long to wait after [ErrThrottled].
	RetryAfter = 3 * time.Second
)

// attempts tries passwords, one at a time, and remembers what it tried. So a right
// password costs its slow hash once in a process, and strangers cannot make the
// process do more than a bounded share of work, whatever names they send.
type attempts struct {
	// turn is held by the one whose password is being tried.
	turn chan struct{}
	// wrong is how many wrong passwords count at the time at.
	wrong float64
	at    time.Time

	mu sync.Mutex
	// key makes the names of what was tried, so that no password stays in memory.
	key   []byte
	tried map[string]attempt
}

// attempt is a password that was compared with a hash.
type attempt struct {
	hash  string
	right bool
}

// id returns a text that stands for the name and password in this process.
func (a *attempts) id(name, password string) string {
	a.mu.Lock()
	if a.key == nil {
		a.key = make([]byte, sha256.Size)
		// Read never fails: see [rand.Read].
		_, _ = rand.Read(a.key)
	}
	h := hmac.New(sha256.New, a.key)
	a.mu.Unlock()
	// No name has a colon.
	_, _ = h.Write([]byte(name + ":" + password))
	return string(h.Sum(nil))
}

// try reports whether the password, which id stands for, has the hash. Where the
// hash is none of a password, it takes the same time to say no. Its errors are
// [ErrThrottled] and that of ctx.
func (a *attempts) try(ctx context.Context, id, password, hash string, now time.Time) (bool, error) {
	if _, ok := parsePasswordHash(hash); !ok {
		hash = ""
	}
	if right, ok := a.known(id, hash); ok {
		return right, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	// It may have been tried meanwhile.
	if right, ok := a.known(id, hash); ok {
		return right, nil
	}
	a.wrong = max(0, a.wrong-max(0, now.Sub(a.at).Seconds()/RetryAfter.Seconds()))
	a.at = now
	if a.wrong > maxWrong-1 {
		return false, ErrThrottled
	}
	right := matches(password, hash)
	if !right {
		a.wrong++
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tried) >= maxCached {
		clear(a.tried)
	}
	if a.tried == nil {
		a.tried = map[string]attempt{}
	}
	a.tried[id] = attempt{hash, right}
	return right, nil
}

// known returns what came of the password when it was compared with the hash.
func (a *attempts) known(id, hash string) (right, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.tried[id]
	return t.right, ok && t.hash == hash
}
