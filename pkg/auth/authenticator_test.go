package auth_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"instances/pkg/auth"
)

// store holds credentials and counts the reads of them.
type store struct {
	credentials map[string]auth.Credential
	reads       atomic.Int32
	err         error
}

func (s *store) Credential(_ context.Context, hash string) (auth.Credential, error) {
	s.reads.Add(1)
	if s.err != nil {
		return auth.Credential{}, s.err
	}
	c, ok := s.credentials[hash]
	if !ok {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return c, nil
}

func (s *store) NamedCredential(_ context.Context, name string) (auth.Credential, error) {
	s.reads.Add(1)
	for _, c := range s.credentials {
		if c.Name == name {
			return c, s.err
		}
	}
	return auth.Credential{}, cmp.Or(s.err, auth.ErrNoCredential)
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// fixture has one key for each state that a key can be in. The secret of a
// key is its name.
func fixture() (*auth.Authenticator, *store, *clock) {
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s := &store{credentials: map[string]auth.Credential{}}
	for _, k := range []auth.Credential{
		{Name: "good", Owner: "team", Allow: []string{"topology:read"}},
		{Name: "all", Owner: "team", Allow: []string{auth.AllowAll}},
		{Name: "later", ExpiresAt: c.now.Add(time.Second)},
		{Name: "expired", ExpiresAt: c.now},
		{Name: "revoked", RevokedAt: c.now.Add(-time.Hour)},
	} {
		k.Hash = auth.Hash(k.Name)
		s.credentials[k.Hash] = k
	}
	return auth.NewAuthenticator(s, c.Now), s, c
}

// basic returns a value of the Authorization header.
func basic(userinfo string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header []string
		want   string // the name of the key, or empty for a refusal
		reads  int32
	}{
		"basic":                  {[]string{basic("good:good")}, "good", 1},
		"basic in another case":  {[]string{"bASIC " + basic("good:good")[6:]}, "good", 1},
		"token":                  {[]string{"Token good"}, "good", 1},
		"api key":                {[]string{"ApiKey good"}, "good", 1},
		"api key in lower case":  {[]string{"apikey good"}, "good", 1},
		"not expired yet":        {[]string{"Token later"}, "later", 1},
		"none":                   {nil, "", 0},
		"two headers":            {[]string{"Token good", "Token good"}, "", 0},
		"empty":                  {[]string{""}, "", 0},
		"no secret":              {[]string{"Token"}, "", 0},
		"more than a secret":     {[]string{"Token good x"}, "", 0},
		"another scheme":         {[]string{"Bearer good"}, "", 0},
		"no base64":              {[]string{"Basic good:good"}, "", 0},
		"no colon":               {[]string{basic("good")}, "", 0},
		"no user":                {[]string{basic(":good")}, "", 0},
		"no password":            {[]string{basic("good:")}, "", 0},
		"wrong password":         {[]string{basic("good:bad")}, "", 1},
		"unknown user":           {[]string{basic("nobody:bad")}, "", 1},
		"secret of another user": {[]string{basic("good:all")}, "", 1},
		"unknown token":          {[]string{"Token bad"}, "", 1},
		"expired":                {[]string{"Token expired"}, "", 1},
		"revoked":                {[]string{basic("revoked:revoked")}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s, _ := fixture()
			p, err := a.Authenticate(t.Context(), http.Header{"Authorization": test.header})
			refusal := auth.ErrUnauthenticated
			if test.reads == 0 {
				refusal = auth.ErrNoCredentials
			}
			if test.want == "" && err != refusal { //nolint:errorlint // The very same error for each refusal of a kind.
				t.Errorf("got error %v, want %v itself", err, refusal)
			}
			if test.want != "" && err != nil {
				t.Errorf("got error %v", err)
			}
			if p.Name != test.want || s.reads.Load() != test.reads {
				t.Errorf("got key %q after %d reads, want %q after %d", p.Name, s.reads.Load(), test.want, test.reads)
			}
		})
	}
}

func TestAuthenticateFault(t *testing.T) {
	t.Parallel()
	a, s, _ := fixture()
	s.err = errors.New("database is down")
	_, err := a.Authenticate(t.Context(), http.Header{"Authorization": {"Token good"}})
	if !errors.Is(err, s.err) || errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("got error %v, want that of the repository: a fault is no refusal", err)
	}
}

func TestAuthenticateCache(t *testing.T) {
	t.Parallel()
	a, s, c := fixture()
	good := http.Header{"Authorization": {"Token good"}}
	authenticate := func(want error, reads int32) {
		t.Helper()
		if _, err := a.Authenticate(t.Context(), good); !errors.Is(err, want) || s.reads.Load() != reads {
			t.Errorf("got error %v after %d reads, want %v after %d", err, s.reads.Load(), want, reads)
		}
	}
	authenticate(nil, 1)
	authenticate(nil, 1)

	revoked := s.credentials[auth.Hash("good")]
	revoked.RevokedAt = c.now
	s.credentials[revoked.Hash] = revoked
	c.now = c.now.Add(auth.CacheFor - time.Nanosecond)
	authenticate(nil, 1)
	c.now = c.now.Add(time.Nanosecond)
	authenticate(auth.ErrUnauthenticated, 2)
	// A refusal is not cached: it costs the same each time.
	authenticate(auth.ErrUnauthenticated, 3)

	revoked.RevokedAt = time.Time{}
	s.credentials[revoked.Hash] = revoked
	authenticate(nil, 4)
	a.Forget()
	authenticate(nil, 5)
}

// A key that expires while it is cached is refused at that moment.
func TestAuthenticateExpiryInCache(t *testing.T) {
	t.Parallel()
	a, _, c := fixture()
	later := http.Header{"Authorization": {"Token later"}}
	if _, err := a.Authenticate(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Second)
	if _, err := a.Authenticate(t.Context(), later); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("got error %v, want a refusal", err)
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	a, _, _ := fixture()
	for name, want := range map[string]error{
		"good":    &auth.ForbiddenError{Permission: "topology:write"},
		"all":     nil,
		"revoked": auth.ErrUnauthenticated,
	} {
		header := http.Header{"Authorization": {"ApiKey " + name}}
		p, err := a.Authorize(t.Context(), header, "topology:write")
		if !reflect.DeepEqual(err, want) {
			t.Errorf("%s: got error %v, want %v", name, err, want)
		}
		if err == nil && (p.Name != name || p.Owner != "team") || err != nil && p.Name != "" {
			t.Errorf("%s: got principal %+v and error %v", name, p, err)
		}
	}
}
