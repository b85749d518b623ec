package topology_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/topology"
)

func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		created := s.Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`))
		if created.Status != 401 {
			t.Fatalf("without a key: got %d", created.Status)
		}
		created = full(t, s).Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`))
		path, first := created.Header.Get("Location"), created.Header.Get("ETag")
		if !strings.HasPrefix(first, `"`) {
			t.Fatalf("got ETag %q, want a strong one", first)
		}
		got := s.Do(t, "GET", path, "")
		if got.Header.Get("ETag") != first {
			t.Errorf("GET: got ETag %q, want that of the create, %q", got.Header.Get("ETag"), first)
		}
		got = s.Do(t, "GET", path, "", "If-None-Match: "+first)
		if got.Status != 304 || got.Body != "" || got.Header.Get("ETag") != first {
			t.Errorf("GET of what is known: got %d %q %q, want 304", got.Status, got.Header.Get("ETag"), got.Body)
		}

		patched := s.Do(t, "PATCH", path, `{"groupCode":"h"}`, "If-Match: "+first)
		second := patched.Header.Get("ETag")
		if patched.Status != 200 || second == first {
			t.Fatalf("PATCH of what is known: got %d and ETag %q", patched.Status, second)
		}
		for _, method := range []string{"PUT", "PATCH"} {
			for _, tag := range []string{first, "W/" + second} {
				got := s.Do(t, method, path, body(`"groupCode":"i"`), "If-Match: "+tag)
				if p := wantProblem(t, got, 412); got.Header.Get("ETag") != second || !strings.Contains(p.Detail, second) {
					t.Errorf("%s with If-Match %s: got the ETag %q and %q, want %s", method, tag, got.Header.Get("ETag"), p.Detail, second)
				}
			}
		}
		if got := s.Do(t, "GET", path, "", "If-None-Match: "+first); got.Status != 200 || got.Body != patched.Body {
			t.Errorf("GET after it: got %d %s, want %s", got.Status, got.Body, patched.Body)
		}
		if got := s.Do(t, "PUT", path, body(`"groupCode":"i"`), "If-Match: *"); got.Status != 200 {
			t.Errorf("PUT with If-Match *: got %d %s", got.Status, got.Body)
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			wantProblem(t, s.Do(t, method, path, body(`"groupCode":"j"`), "If-None-Match: *"), 412)
		}
		wantProblem(t, s.Do(t, "PUT", path+"0", body(`"groupCode":"j"`), "If-None-Match: *"), 404)
		// What changes nothing leaves the state, and its tag, as they are.
		third := s.Do(t, "GET", path, "").Header.Get("ETag")
		if got := s.Do(t, "PATCH", path, `{"groupCode":"i","environments":[]}`); got.Header.Get("ETag") != third {
			t.Errorf("PATCH of nothing: got ETag %q, want %q", got.Header.Get("ETag"), third)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		request := body(`"groupCode":"g"`)
		first := s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1")
		if first.Status != 201 {
			t.Fatalf("got %d %s", first.Status, first.Body)
		}
		again := s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1")
		if again.Status != first.Status || again.Body != first.Body {
			t.Errorf("repeated: got %d %s, want %s", again.Status, again.Body, first.Body)
		}
		for _, header := range []string{"Location", "ETag", "Content-Type"} {
			if again.Header.Get(header) != first.Header.Get(header) {
				t.Errorf("repeated: got %s %q, want %q", header, again.Header.Get(header), first.Header.Get(header))
			}
		}
		// It is the recorded answer, also when the instance moved on.
		s.Do(t, "PATCH", first.Header.Get("Location"), `{"instanceName":"moved on"}`)
		if again := s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1"); again.Body != first.Body {
			t.Errorf("repeated after a change: got %s, want %s", again.Body, first.Body)
		}
		if again := s.Do(t, "POST", topology.BasePath, " "+request, "Idempotency-Key: k1"); again.Body != first.Body {
			t.Errorf("repeated with white space: got %s, want %s", again.Body, first.Body)
		}
		wantProblem(t, s.Do(t, "POST", topology.BasePath, body(`"groupCode":"h"`), "Idempotency-Key: k1"), 422)
		wantProblem(t, s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: "+strings.Repeat("k", 256)), 400)

		// A failure is not recorded: the key can be used for the next try.
		wantProblem(t, s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k2"), 400, "instanceCode")
		other := strings.Replace(request, `"instanceCode":"x"`, `"instanceCode":"y"`, 1)
		if got := s.Do(t, "POST", topology.BasePath, other, "Idempotency-Key: k2"); got.Status != 201 {
			t.Errorf("after a failure: got %d %s", got.Status, got.Body)
		}

		// A key of the same owner shares the records, another owner's does not.
		colleague := s.MintFor(t, "alice-2", "alice", topology.WritePermission)
		if again := s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1", "Authorization: Token "+colleague); again.Body != first.Body {
			t.Errorf("another key of the owner: got %d %s, want the recorded answer", again.Status, again.Body)
		}
		stranger := s.MintFor(t, "bob", "bob", topology.WritePermission)
		wantProblem(t, s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1", "Authorization: Token "+stranger), 400, "instanceCode")

		// The record ends.
		s.Clock.Advance(httpjson.RepeatFor)
		wantProblem(t, s.Do(t, "POST", topology.BasePath, request, "Idempotency-Key: k1"), 400, "instanceCode")
	})
}

// A write of an instance that is repeated gets its first answer and has no further
// effect, whatever has become of the instance and of the state in If-Match.
func TestRepeatedWrites(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), body(`"groupCode":"g"`))
		other := create(t, s, `{"instanceName":"other","instanceCode":"other"}`)
		writes := []struct{ method, body, another string }{
			{"PUT", body(`"environments":[1]`), body(`"environments":[2]`)},
			{"PATCH", `{"environments":[2],"isActive":false}`, `{"environments":[2]}`},
			{"DELETE", "", ""},
		}
		var firsts []apptest.Response
		var states []string
		do := func(n int, path, body string) apptest.Response {
			return s.Do(t, writes[n].method, path, body, "Idempotency-Key: k", "If-Match: "+states[n])
		}
		for n, w := range writes {
			states = append(states, s.Do(t, "GET", path, "").Header.Get("ETag"))
			firsts = append(firsts, do(n, path, w.body))
			if status := firsts[n].Status; status/100 != 2 {
				t.Fatalf("%s: got %d %s", w.method, status, firsts[n].Body)
			}
			for n, first := range firsts {
				again := do(n, path, writes[n].body)
				if again.Status != first.Status || again.Body != first.Body || again.Header.Get("ETag") != first.Header.Get("ETag") {
					t.Errorf("%s repeated: got %d %s, want %d %s", writes[n].method, again.Status, again.Body, first.Status, first.Body)
				}
			}
			wantProblem(t, do(n, other, w.body), 422)
			wantProblem(t, s.Do(t, w.method, path+"?x=1", w.body, "Idempotency-Key: k"), 422)
			if w.body != w.another {
				wantProblem(t, do(n, path, w.another), 422)
			}
		}
		if n := len(found(t, s.Do(t, "GET", path+"/history", ""))); n != 4 {
			t.Errorf("got %d records of history, want 4", n)
		}
		s.Clock.Advance(httpjson.RepeatFor)
		for n, w := range writes {
			wantProblem(t, do(n, path, w.body), 404)
		}
	})
}

// A write that changes nothing is answered again too.
func TestRepeatedWriteOfNothing(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), body(`"groupCode":"g"`))
		patch := func() apptest.Response {
			return s.Do(t, "PATCH", path, `{"groupCode":"g"}`, "Idempotency-Key: k")
		}
		first := patch()
		s.Do(t, "PATCH", path, `{"groupCode":"h"}`)
		if again := patch(); first.Status != 200 || again.Status != 200 || again.Body != first.Body {
			t.Errorf("got %d %s, want %d %s", again.Status, again.Body, first.Status, first.Body)
		}
		if got := s.Do(t, "GET", path, ""); !strings.Contains(got.Body, `"groupCode":"h"`) {
			t.Errorf("got %s, want the group h", got.Body)
		}
	})
}

// Of many equal patches at once, one takes effect and all get its answer.
func TestParallelRepeatedWrites(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), body(`"groupCode":"g"`))
		for _, w := range []struct{ method, body string }{{"PATCH", `{"environments":[1]}`}, {"DELETE", ""}} {
			answers := parallel(16, func(int) apptest.Response {
				return s.Do(t, w.method, path, w.body, "Idempotency-Key: k")
			})
			for _, a := range answers {
				if a.Status/100 != 2 || a.Body != answers[0].Body {
					t.Errorf("%s: got %d %s, want what the others got: %s", w.method, a.Status, a.Body, answers[0].Body)
				}
			}
		}
		if n := len(found(t, s.Do(t, "GET", path+"/history", ""))); n != 3 {
			t.Errorf("got %d records of history, want 3", n)
		}
	})
}

// Of many equal requests at once, one creates and all get its answer.
func TestParallelRepeats(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		answers := parallel(16, func(int) apptest.Response {
			return s.Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`), "Idempotency-Key: k")
		})
		for _, a := range answers {
			if a.Status != 201 || a.Body != answers[0].Body {
				t.Errorf("got %d %s, want what the others got: %s", a.Status, a.Body, answers[0].Body)
			}
		}
		if n := len(found(t, s.Do(t, "GET", topology.BasePath, ""))); n != 1 {
			t.Errorf("got %d instances, want 1", n)
		}
	})
}

func TestParallelCreatesOfOneCode(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		created := 0
		for _, a := range parallel(64, func(i int) apptest.Response {
			// Half of them in another case.
			code := []string{"straße-K", "STRAẞE-\u212a"}[i%2]
			return s.Do(t, "POST", topology.BasePath, fmt.Sprintf(`{"instanceName":"n","instanceCode":%q}`, code))
		}) {
			switch a.Status {
			case 201:
				created++
			case 400:
				wantProblem(t, a, 400, "instanceCode")
			default:
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		}
		if n := len(found(t, s.Do(t, "GET", topology.BasePath, ""))); created != 1 || n != 1 {
			t.Errorf("%d creates succeeded and %d instances are there, want 1", created, n)
		}
	})
}

func TestParallelPatchesAllTakeEffect(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), body(`"environments":[]`))
		const n = 8
		for i, a := range parallel(n, func(i int) apptest.Response {
			return s.Do(t, "PATCH", path, fmt.Sprintf(`{"environments":[%d]}`, i))
		}) {
			if a.Status != 200 {
				t.Errorf("PATCH %d: got %d %s", i, a.Status, a.Body)
			}
		}
		if list := string(get(t, s, path)["environments"]); strings.Count(list, ",") != n-1 {
			t.Errorf("got %s, want %d environments", list, n)
		}
		// With If-Match, one of them wins.
		etag := s.Do(t, "GET", path, "").Header.Get("ETag")
		won := 0
		for _, a := range parallel(n, func(i int) apptest.Response {
			return s.Do(t, "PATCH", path, fmt.Sprintf(`{"environments":[%d]}`, 100+i), "If-Match: "+etag)
		}) {
			switch a.Status {
			case 200:
				won++
			case 412:
			default:
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		}
		if won != 1 {
			t.Errorf("%d PATCHes with one If-Match succeeded, want 1", won)
		}
	})
}

// parallel calls do with 0 to n-1 at once and returns the answers.
func parallel(n int, do func(int) apptest.Response) []apptest.Response {
	answers := make([]apptest.Response, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = do(i) })
	}
	all.Wait()
	return answers
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	secret := s.Mint(t, "alice", topology.ReadPermission, topology.WritePermission)
	path := create(t, s, body(`"groupCode":"g"`))
	reader := s.MintFor(t, "reader", "alice", topology.ReadPermission)
	writer := s.MintFor(t, "writer", "alice", topology.WritePermission)
	other := s.MintFor(t, "other", "alice", "compute:read")
	revoked := s.MintFor(t, "revoked", "alice", topology.ReadPermission)
	if _, err := s.Repository.RevokeCredential(t.Context(), "revoked", s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	basic := func(name, secret string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
	}
	requests := [][2]string{
		{"GET", path}, {"GET", path + "/history"}, {"GET", topology.BasePath}, {"POST", topology.BasePath}, {"PUT", path}, {"PATCH", path},
	}
	refusals := map[string]bool{}
	for _, r := range requests {
		for _, header := range []string{
			"Authorization:", "Authorization: nonsense", "Authorization: Bearer " + secret, "Authorization: Basic !!!",
			"Authorization: Token", basic("alice", "wrong"), basic("nobody", secret), basic("nobody", "wrong"),
			basic("revoked", revoked), "Authorization: Token wrong", "Authorization: ApiKey " + revoked,
		} {
			got := s.Do(t, r[0], r[1], body(`"groupCode":"z"`), header)
			if p := wantProblem(t, got, 401); !strings.Contains(p.Detail, "Authorization: Basic") || !strings.Contains(p.Detail, "NAME:SECRET") {
				t.Errorf("%s %s with %q: got %q, want the header and its form", r[0], r[1], header, p.Detail)
			}
			challenge := got.Header.Get("WWW-Authenticate") + got.Header.Get("X-Amzn-Remapped-Www-Authenticate")
			if !strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("%s %s with %q: got no challenge", r[0], r[1], header)
			}
			refusals[got.Body] = true
		}
		allowed, denied, lacks := reader, writer, topology.ReadPermission
		if r[0] != "GET" {
			allowed, denied, lacks = writer, reader, topology.WritePermission
		}
		for _, secret := range []string{denied, other} {
			p := wantProblem(t, s.Do(t, r[0], r[1], body(`"groupCode":"z"`), "Authorization: Token "+secret), 403)
			if !strings.HasSuffix(p.Detail, " "+lacks+".") {
				t.Errorf("%s %s: got %q, want the permission %s", r[0], r[1], p.Detail, lacks)
			}
		}
		for _, scheme := range []string{"Token ", "token ", "ApiKey ", "APIKEY "} {
			if got := s.Do(t, r[0], r[1], body(`"groupCode":"g"`), "Authorization: "+scheme+allowed); got.Status > 201 && got.Status != 400 {
				t.Errorf("%s %s with %s: got %d %s", r[0], r[1], scheme, got.Status, got.Body)
			}
		}
	}
	if len(refusals) != 1 {
		t.Errorf("got %d different bodies with 401, want one: %v", len(refusals), refusals)
	}
	if got := string(get(t, s, path)["groupCode"]); got != `"g"` {
		t.Errorf("a refused request changed the instance: groupCode is %s", got)
	}
}

// A password is for Basic alone. Every refusal of one is that of any other wrong
// credentials, until there were too many.
func TestPasswords(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	const password = "Zebra-Tango-41"
	key := auth.NewKey{Name: "jdoe", Allow: []string{topology.ReadPermission}}
	if err := auth.Adopt(t.Context(), s.Repository, key, password, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	basic := func(userinfo string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
	}
	if got := s.Do(t, "GET", topology.BasePath, "", basic("jdoe:"+password)); got.Status != 200 || got.Body != "[]" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	unknown := s.Do(t, "GET", topology.BasePath, "", "Authorization: Token unknown").Body
	for _, header := range []string{"Authorization: Token " + password, "Authorization: ApiKey " + password, basic("jdoe:" + password + "2"), basic("nobody:" + password)} {
		got := s.Do(t, "GET", topology.BasePath, "", header)
		if wantProblem(t, got, 401); got.Body != unknown {
			t.Errorf("got %s, want %s", got.Body, unknown)
		}
	}
	var got apptest.Response
	for n := range 20 {
		if got = s.Do(t, "GET", topology.BasePath, "", basic("nobody:Wrong-Secret-"+strconv.Itoa(n))); got.Status != 401 {
			break
		}
	}
	if wantProblem(t, got, 429); got.Header.Get("Retry-After") != "3" {
		t.Errorf("got Retry-After %q", got.Header.Get("Retry-After"))
	}
	if got := s.Do(t, "GET", topology.BasePath, "", basic("jdoe:"+password)); got.Status != 200 {
		t.Errorf("who is known got %d %s", got.Status, got.Body)
	}
}

func TestExpiredKey(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	secret := s.MintUntil(t, "brief", s.Clock.Now().Add(time.Hour), topology.ReadPermission)
	if got := s.Do(t, "GET", topology.BasePath, "", "Authorization: Token "+secret); got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	s.Clock.Advance(time.Hour)
	wantProblem(t, s.Do(t, "GET", topology.BasePath, "", "Authorization: Token "+secret), 401)
}

func TestHead(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), body(`"instanceCode":"A"`))
		create(t, s, body(`"instanceCode":"B","description":"`+strings.Repeat("long ", 500)+`"`))
		for _, target := range []string{
			path, path + "0", topology.BasePath, topology.BasePath + "?limit=1", topology.BasePath + "?limit=0",
			topology.BasePath + "?cursor=x", path + "/history", path + "0/history",
		} {
			s.CheckHead(t, target)
			s.CheckHead(t, target, "Authorization:")
		}
		s.CheckHead(t, topology.BasePath, "Accept-Encoding: gzip")
		s.CheckHead(t, path, "If-None-Match: *")
	})
}
