package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// CacheFor is how long an [Authenticator] caches a key, and so how long a revoked
// key can still be used in another process.
const CacheFor = time.Minute

// maxCached bounds the memory that the cache takes.
const maxCached = 1024

var (
	// ErrUnauthenticated reports that a request carries no usable credentials.
	// It never says what is wrong with those that have the right form.
	ErrUnauthenticated = errors.New("invalid credentials")
	// ErrNoCredentials reports that a request has no Authorization header in a
	// form that is known here. It is ErrUnauthenticated too.
	ErrNoCredentials = fmt.Errorf("%w: none in a known form", ErrUnauthenticated)
)

// ForbiddenError reports that the key lacks a permission.
type ForbiddenError struct {
	// Permission is the one that the request takes, such as "topology:read".
	Permission string
}

// Error names the permission.
func (e *ForbiddenError) Error() string { return "the key lacks the permission " + e.Permission }

// Principal is the key that a request was made with.
type Principal struct {
	Name, Owner string
	allow       []string
	profiles    map[string]string
}

// Profile returns which profile of the dialect the key speaks, or an empty
// text for the default one.
func (p Principal) Profile(dialect string) string { return p.profiles[dialect] }

// May reports whether the key has the permission.
func (p Principal) May(permission string) bool {
	return slices.Contains(p.allow, permission) || slices.Contains(p.allow, AllowAll)
}

// Authenticator tells who makes a request. It is safe for concurrent use.
type Authenticator struct {
	credentials CredentialGetter
	now         func() time.Time

	passwords attempts

	mu     sync.Mutex
	cached map[string]cachedCredential
}

type cachedCredential struct {
	credential Credential
	until      time.Time
}

// NewAuthenticator returns an authenticator on a repository. It reads nothing
// yet.
func NewAuthenticator(credentials CredentialGetter, now func() time.Time) *Authenticator {
	return &Authenticator{
		credentials: credentials, now: now, passwords: attempts{turn: make(chan struct{}, 1)}, cached: map[string]cachedCredential{},
	}
}

// Authenticate returns who sends a request with the header. It returns
// [ErrNoCredentials] for missing and malformed credentials, and
// [ErrUnauthenticated] for unknown, wrong, revoked and expired ones, which cost
// the same one read, and for a password the same slow hash. Where that would be too
// much work, it returns [ErrThrottled]. Any other error is one of the repository.
func (a *Authenticator) Authenticate(ctx context.Context, h http.Header) (Principal, error) {
	p, ok := parse(h)
	if !ok {
		return Principal{}, ErrNoCredentials
	}
	if p.named && isPassword(p.secret) {
		id := a.passwords.id(p.name, p.secret)
		return a.authenticate(p, id, func() (Credential, error) { return a.byPassword(ctx, p, id) })
	}
	return a.byHash(ctx, p)
}

// Authorize returns who sends a request with the header, if the key has the
// permission. Its errors are those of [Authenticator.Authenticate] and
// [*ForbiddenError].
func (a *Authenticator) Authorize(ctx context.Context, h http.Header, permission string) (Principal, error) {
	p, err := a.Authenticate(ctx, h)
	if err != nil {
		return Principal{}, err
	}
	if !p.May(permission) {
		return Principal{}, &ForbiddenError{permission}
	}
	return p, nil
}

// Login returns who the name and secret of a key belong to. It is
// [Authenticator.Authenticate] for credentials that come in a body, but knows no
// passwords, which are for Basic alone.
func (a *Authenticator) Login(ctx context.Context, name, secret string) (Principal, error) {
	if name == "" || secret == "" {
		return Principal{}, ErrUnauthenticated
	}
	return a.byHash(ctx, presented{name: name, secret: secret, named: true})
}

// byHash finds a key by the hash of its secret.
func (a *Authenticator) byHash(ctx context.Context, p presented) (Principal, error) {
	hash := Hash(p.secret)
	return a.authenticate(p, hash, func() (Credential, error) { return a.credentials.Credential(ctx, hash) })
}

// byPassword reads a key by its name and tries the password, which id stands for.
// A text that cannot be a name is not looked for.
func (a *Authenticator) byPassword(ctx context.Context, p presented, id string) (Credential, error) {
	if !ValidName(p.name) {
		return Credential{}, ErrNoCredential
	}
	c, err := a.credentials.NamedCredential(ctx, p.name)
	if err != nil && !errors.Is(err, ErrNoCredential) {
		return Credential{}, err
	}
	right, err := a.passwords.try(ctx, id, p.secret, c.Hash, a.now())
	if err == nil && !right {
		err = ErrNoCredential
	}
	return c, err
}

// authenticate returns who p belongs to. Read reads the key, unless it is cached
// under the id.
func (a *Authenticator) authenticate(p presented, id string, read func() (Credential, error)) (Principal, error) {
	c, err := a.credential(id, read)
	if errors.Is(err, ErrNoCredential) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read credential: %w", err)
	}
	if p.named && p.name != c.Name || !c.Usable(a.now()) {
		return Principal{}, ErrUnauthenticated
	}
	return Principal{Name: c.Name, Owner: c.Owner, allow: c.Allow, profiles: c.Profiles}, nil
}

// Forget empties the cache, so that a key that was just revoked in this
// process is refused at once.
func (a *Authenticator) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.cached)
}

// credential reads through the cache. What is not there is not cached, so
// that a new key works at once.
func (a *Authenticator) credential(id string, read func() (Credential, error)) (Credential, error) {
	now := a.now()
	a.mu.Lock()
	c, ok := a.cached[id]
	a.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.credential, nil
	}
	found, err := read()
	if err != nil {
		return Credential{}, err
	}
	// An unusable key is not cached either: refusing costs what an unknown
	// key costs, so the time it takes tells nothing.
	if found.Usable(now) {
		a.mu.Lock()
		if len(a.cached) >= maxCached {
			clear(a.cached)
		}
		a.cached[id] = cachedCredential{found, now.Add(CacheFor)}
		a.mu.Unlock()
	}
	return found, nil
}
