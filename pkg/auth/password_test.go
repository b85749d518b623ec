package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/scrypt"

	"instances/pkg/auth"
)

func (s *keyStore) Credentials(context.Context) iter.Seq2[auth.Credential, error] {
	return func(yield func(auth.Credential, error) bool) {
		for _, c := range s.created {
			if !yield(c, nil) {
				return
			}
		}
	}
}

const (
	password = "Zebra-Tango-41"
	token    = "0fe1bd9a6c0f4f0fb41c7a9fb5c0d9be"
)

// adopted returns the key ci with a secret.
func adopted(t *testing.T, secret string) auth.Credential {
	t.Helper()
	var store keyStore
	if err := auth.Adopt(t.Context(), &store, auth.NewKey{Name: "ci", Allow: []string{"topology:read"}}, secret, time.Now()); err != nil {
		t.Fatal(err)
	}
	return store.created[0]
}

// cheap returns a key with a password whose hash costs nothing.
func cheap(t *testing.T, name, password string) auth.Credential {
	t.Helper()
	salt := []byte("salt of " + name)
	key, err := scrypt.Key([]byte(password), salt, 1<<2, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return auth.Credential{Name: name, Hash: "$scrypt$ln=2,r=8,p=1$" + encode(salt) + "$" + encode(key), Allow: []string{"topology:read"}}
}

// Of a long secret the plain hash is stored, and of a password a salted one.
func TestAdopt(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{token, strings.Repeat("xY7-k2.q9", 27)[:24] + "w3", "a phrase of six words, 24+", auth.NewSecret()} {
		if c := adopted(t, secret); c.Hash != auth.Hash(secret) || c.Owner != "ci" {
			t.Errorf("%s is stored as %+v", secret, c)
		}
	}
	for _, secret := range []string{"two words: ok", "0fe1bd9a6c0f4f0fb41c7a9"} {
		first, second := adopted(t, secret), adopted(t, secret)
		if !strings.HasPrefix(first.Hash, "$scrypt$ln=14,r=8,p=1$") || first.Hash == second.Hash || strings.Contains(first.Hash, secret) {
			t.Errorf("%s is stored as %q and %q", secret, first.Hash, second.Hash)
		}
	}
}

// What can be guessed is refused, with a reason that does not show it.
func TestAdoptRefusesWhatIsGuessed(t *testing.T) {
	t.Parallel()
	for secret, reason := range map[string]string{
		"":                               "has 0 characters",
		"kL9#mQ2$vX7":                    "has 11 characters",
		strings.Repeat("kL9#", 64):       "has 256 characters",
		"Zebra-Tango-41\n":               "not printable ASCII",
		"Zebra\x00Tango-41":              "not printable ASCII",
		"Zebra-Tangö-41":                 "not printable ASCII",
		password + " ":                   "a space",
		"aaaaaaaaaaaa":                   "a few different characters",
		"0000-1111-2222":                 "a few different characters",
		"hunter2hunter":                  "repeats itself",
		"0fe1bd9a6c0fe1bd9a6c0fe1bd9a6c": "repeats itself",
		"123456789012":                   "in the order",
		"abcdefghijklmnopqrstuvwxyz":     "in the order",
		"qwertyuiop[]":                   "in the order",
		"1q2w3e4r5t6y":                   "in the order",
		"!QAZ2wsx#EDC":                   "in the order",
		"ci-jenkins-77":                  "the name or the owner",
		"2026.Ci-Jenkins":                "the name or the owner",
		"platform-team1":                 "the name or the owner",
		"Password1234":                   "the commonest passwords",
		"P@ssw0rd-2026":                  "the commonest passwords",
		"Welcome2024!!":                  "the commonest passwords",
		"changeme-please":                "the commonest passwords",
		"FlexDeploy_Admin_1":             "the commonest passwords",
	} {
		var store keyStore
		err := auth.Adopt(t.Context(), &store, auth.NewKey{Name: "ci-jenkins", Owner: "platform-team", Allow: []string{"*"}}, secret, time.Now())
		if !errors.Is(err, auth.ErrInvalidKey) || !strings.Contains(err.Error(), reason) || secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v, want %q in it", secret, err, reason)
		}
		if len(store.created) != 0 {
			t.Errorf("%q was stored", secret)
		}
	}
}

// A password that another key has is refused, and too many of them.
func TestAdoptRefusesAPasswordTwice(t *testing.T) {
	t.Parallel()
	store := keyStore{created: []auth.Credential{{Name: "a", Hash: auth.Hash(password)}, cheap(t, "b", "kL9#mQ2$vX7p"), cheap(t, "c", password)}}
	adopt := func() error {
		return auth.Adopt(t.Context(), &store, auth.NewKey{Name: "ci", Allow: []string{"*"}}, password, time.Now())
	}
	if err := adopt(); !errors.Is(err, auth.ErrSecretTaken) || len(store.created) != 3 {
		t.Errorf("got %v and %d keys", err, len(store.created))
	}
	store.created = store.created[:2]
	if err := adopt(); err != nil || len(store.created) != 3 {
		t.Errorf("got %v and %d keys", err, len(store.created))
	}
	for n := len(store.created); n < auth.MaxPasswords+1; n++ {
		store.created = append(store.created, cheap(t, strconv.Itoa(n), "Tango-Zebra-"+strconv.Itoa(n)))
	}
	err := auth.Adopt(t.Context(), &store, auth.NewKey{Name: "more", Allow: []string{"*"}}, "kL9#mQ2$vX7q", time.Now())
	if !errors.Is(err, auth.ErrInvalidKey) || !strings.Contains(err.Error(), strconv.Itoa(auth.MaxPasswords)) {
		t.Errorf("one more than there may be: got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := auth.Adopt(ended, &store, auth.NewKey{Name: "ci", Allow: []string{"*"}}, "Tango-Zebra-14", time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, it returns %v", err)
	}
}

// keyring returns an authenticator of keys with passwords, and one with a token.
func keyring(t *testing.T) (*auth.Authenticator, *store, *clock) {
	t.Helper()
	a, s, c := fixture()
	gone, over := cheap(t, "gone", password), cheap(t, "over", password)
	gone.RevokedAt, over.ExpiresAt = c.now, c.now
	for _, k := range []auth.Credential{
		cheap(t, "jdoe", password), adopted(t, token), gone, over, {Name: "odd", Hash: "$scrypt$ln=14,r=8,p=1$!$!"},
	} {
		s.credentials[k.Hash] = k
	}
	return a, s, c
}

// A password works with Basic alone, and everything else that is wrong is refused
// in the same way, for one read.
func TestPasswords(t *testing.T) {
	t.Parallel()
	a, s, _ := keyring(t)
	for _, test := range []struct {
		header string
		want   string
		reads  int32
	}{
		{basic("jdoe:" + password), "jdoe", 1},
		{basic("jdoe:" + password), "jdoe", 0},
		{basic("ci:" + token), "ci", 1},
		{"Token " + token, "ci", 0},
		{"Token " + password, "", 1},
		{"ApiKey " + password, "", 1},
		{basic("jdoe:" + password + "x"), "", 1},
		{basic("jdoe:" + strings.ToLower(password)), "", 1},
		{basic("JDOE:" + password), "", 1},
		{basic("ci:" + password), "", 1},
		{basic("nobody:" + password), "", 1},
		{basic("gone:" + password), "", 1},
		{basic("over:" + password), "", 1},
		{basic("odd:" + password), "", 1},
		{basic("j\xffdoe:" + password), "", 0},
		{basic(strings.Repeat("j", 5000) + ":" + password), "", 0},
	} {
		s.reads.Store(0)
		p, err := a.Authenticate(t.Context(), http.Header{"Authorization": {test.header}})
		if p.Name != test.want || s.reads.Load() != test.reads || test.want == "" && err != auth.ErrUnauthenticated { //nolint:errorlint // The very same error.
			t.Errorf("%.60s: got %q, %v with %d reads, want %q with %d", test.header, p.Name, err, s.reads.Load(), test.want, test.reads)
		}
	}
	if _, err := a.Login(t.Context(), "jdoe", password); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("Login takes a password: %v", err)
	}
	s.err = errors.New("broken")
	if _, err := a.Authenticate(t.Context(), http.Header{"Authorization": {basic("jdoe:Other-Secret-1")}}); !errors.Is(err, s.err) {
		t.Errorf("got %v, want the fault of the repository", err)
	}
}

// The time that a refusal takes does not tell the names of keys: the slow hash is
// computed for every name, once for a password. What it allocates shows that.
//
//nolint:paralleltest // Allocations are those of the whole process.
func TestPasswordsTakeTheSameForEveryName(t *testing.T) {
	a, s, c := fixture()
	known := adopted(t, password)
	gone := known
	gone.Name, gone.Hash, gone.RevokedAt = "gone", strings.Replace(known.Hash, "$scrypt$ln=14,r=8,p=1$", "$scrypt$ln=14,r=8,p=1$AA", 1), c.now
	for _, k := range []auth.Credential{known, gone, {Name: "token", Hash: auth.Hash(token)}} {
		s.credentials[k.Hash] = k
	}
	for _, name := range []string{"ci", "gone", "token", "nobody"} {
		for n, least := range []uint64{16 << 20, 0} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := a.Authenticate(t.Context(), http.Header{"Authorization": {basic(name + ":Wrong-Secret-1")}})
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, auth.ErrUnauthenticated) || took < least || took > least+1<<20 {
				t.Errorf("%s, attempt %d: %v, and it took %d bytes", name, n+1, err, took)
			}
		}
	}
}

// A revoked or changed password stops working when the cache ends, at the latest.
func TestPasswordEnds(t *testing.T) {
	t.Parallel()
	a, s, c := keyring(t)
	jdoe := http.Header{"Authorization": {basic("jdoe:" + password)}}
	check := func(when string, want error) {
		t.Helper()
		if _, err := a.Authenticate(t.Context(), jdoe); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", when, err, want)
		}
	}
	check("at first", nil)
	var hash string
	for h, k := range s.credentials {
		if k.Name == "jdoe" {
			hash = h
		}
	}
	k := s.credentials[hash]
	k.RevokedAt = c.now
	s.credentials[hash] = k
	check("cached", nil)
	c.now = c.now.Add(auth.CacheFor)
	check("revoked", auth.ErrUnauthenticated)
	delete(s.credentials, hash)
	k.RevokedAt, k.Hash = time.Time{}, cheap(t, "jdoe", "Tango-Zebra-14").Hash
	s.credentials[k.Hash] = k
	check("with another password", auth.ErrUnauthenticated)
	jdoe = http.Header{"Authorization": {basic("jdoe:Tango-Zebra-14")}}
	check("the other password", nil)
}

// A stranger makes a process try a bounded number of passwords, whatever names are
// sent, and neither what was tried before nor those who are known suffer.
func TestPasswordsAreThrottled(t *testing.T) {
	t.Parallel()
	a, s, c := keyring(t)
	// All but "nobody" cost little here.
	send := func(userinfo string) error {
		_, err := a.Authenticate(t.Context(), http.Header{"Authorization": {basic(userinfo)}})
		return err
	}
	if err := send("jdoe:" + password); err != nil {
		t.Fatal(err)
	}
	// At once, since they are tried one after the other.
	var mu sync.Mutex
	var errs []error
	var senders sync.WaitGroup
	for i := range 24 {
		senders.Go(func() {
			name := []string{"jdoe", "nobody", "over", "gone", "jdoe", "gone"}[i%6]
			err := send(name + ":Wrong-Secret-" + strconv.Itoa(i))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	senders.Wait()
	refused := len(slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return !errors.Is(err, auth.ErrUnauthenticated) }))
	throttled := len(slices.DeleteFunc(errs, func(err error) bool { return !errors.Is(err, auth.ErrThrottled) }))
	if refused != 10 || throttled != 14 {
		t.Errorf("%d were refused and %d put off", refused, throttled)
	}
	c.now = c.now.Add(auth.CacheFor - time.Second)
	for range 100 {
		if err := send("jdoe:" + password); err != nil {
			t.Fatalf("who is known is refused: %v", err)
		}
	}
	// A minute is as many as at first: the same one again counts once.
	for range 100 {
		if err := send("nobody:Wrong-Again-12"); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("what was tried counts again: %v", err)
		}
	}
	c.now = c.now.Add(time.Second)
	s.reads.Store(0)
	if err := send("jdoe:" + password); err != nil || s.reads.Load() != 1 {
		t.Errorf("when the cache has ended: got %v with %d reads", err, s.reads.Load())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	// The turn may be free, so either is right, but nothing else.
	_, err := a.Authenticate(ended, http.Header{"Authorization": {basic("nobody:Never-Tried-12")}})
	if !errors.Is(err, context.Canceled) && !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
}
