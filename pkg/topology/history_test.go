package topology_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// record is one entry of a history as answers hold it.
type record struct {
	At, By, Operation, RequestID string
	Version                      int64
	Changes                      []struct {
		Field    string
		Old, New json.RawMessage
	}
}

// text is the operation, the version and the changed fields of r.
func (r record) text() string {
	fields := make([]string, len(r.Changes))
	for i, c := range r.Changes {
		fields[i] = fmt.Sprintf("%s:%s:%s", c.Field, c.Old, c.New)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %d %s", r.Operation, r.Version, strings.Join(fields, " ")), " ")
}

// records returns the entries of an answer.
func records(t *testing.T, got apptest.Response) []record {
	t.Helper()
	var list []record
	if err := json.Unmarshal([]byte(got.Body), &list); err != nil || got.Status != 200 || list == nil {
		t.Fatalf("got %d %.300s, want a list", got.Status, got.Body)
	}
	if kind := got.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("got Content-Type %s", kind)
	}
	return list
}

// history returns the whole history of the instance at path.
func history(t *testing.T, s *apptest.Server, path string) []record {
	t.Helper()
	return records(t, s.Do(t, "GET", path+"/history", ""))
}

// keyOf returns the key of the instance at path.
func keyOf(t *testing.T, path string) instance.Key {
	t.Helper()
	key, err := topology.Key(path[strings.LastIndex(path, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// operator returns a change that no request makes.
func operator(s *apptest.Server, operation string) instance.Change {
	return instance.Change{By: "(operator)", Owner: "(operator)", At: s.Clock.Now(), Operation: operation}
}

// purge removes the deleted instance at path for good.
func purge(t *testing.T, s *apptest.Server, path string) {
	t.Helper()
	for d, err := range s.Repository.Deleted(t.Context(), topology.Kind(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if d.ID != keyOf(t, path).ID {
			continue
		}
		if err := s.Repository.Purge(t.Context(), d, operator(s, "purge")); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is not in the trash", path)
}

// TestStory does to an instance whatever can be done to one, and compares its
// history with an example, where T1 stands for the time of the first step and
// R1 for its request.
func TestStory(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		ci := s.MintFor(t, "ci", "hidden-owner", topology.WritePermission)
		startAt(t, s, 11104)
		path := topology.BasePath + "/11104"
		var replace []string
		done := func(requestID string) {
			n := len(replace)/4 + 1
			replace = append(replace,
				s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), fmt.Sprintf("T%d", n),
				requestID, fmt.Sprintf("R%d", n))
			s.Clock.Advance(90*time.Minute + time.Millisecond)
		}
		request := func(status int, method, target, body string) {
			t.Helper()
			got := s.Do(t, method, target, body, "Authorization: Token "+ci)
			if got.Status != status {
				t.Fatalf("%s: got %d %s", method, got.Status, got.Body)
			}
			done(got.Header.Get("X-Request-Id"))
		}
		request(201, "POST", topology.BasePath, golden(t, "patch-current.json"))
		request(200, "PATCH", path, golden(t, "patch-request.json"))
		request(200, "PUT", path, golden(t, "put-request.json"))
		request(204, "DELETE", path, "")
		if _, err := s.Repository.Restore(t.Context(), keyOf(t, path), operator(s, "restore")); err != nil {
			t.Fatal(err)
		}
		done("no request")
		request(204, "DELETE", path, "")
		purge(t, s, path)
		done("no request")

		got := s.Do(t, "GET", path+"/history", "")
		if body := strings.NewReplacer(replace...).Replace(got.Body); got.Status != 200 || body != compact(t, golden(t, "history-response.json")) {
			t.Errorf("got %d %s, want %s", got.Status, body, golden(t, "history-response.json"))
		}
		if link := got.Header.Get("Link"); link != "" {
			t.Errorf("got Link %q, want none", link)
		}
	})
}

// The history tells of each field that an answer has, by its name there, and
// of nothing else.
func TestHistoryFields(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	whole := `{"description":"d","environments":[1],"workflows":[2],"instanceName":"<n>","isActive":false,` +
		`"pluginOperations":[{"pluginId":9007199254740993,"operation":"o"}],"instanceCode":"c","groupCode":"g","subGroupCode":"s","isDeploymentTarget":false}`
	path := create(t, s, whole)
	got := history(t, s, path)
	document := get(t, s, path)
	delete(document, "instanceId")
	if len(got) != 1 || len(got[0].Changes) != len(document) {
		t.Fatalf("got %+v, want the fields of %s", got, whole)
	}
	for _, c := range got[0].Changes {
		if c.Old != nil || !equalJSON(t, c.New, document[c.Field]) {
			t.Errorf("%s was %s and is %s, want nothing and %s", c.Field, c.Old, c.New, document[c.Field])
		}
	}

	// An absent text and an empty list have no value.
	if got := s.Do(t, "PUT", path, `{"instanceName":"n","instanceCode":"c"}`); got.Status != 200 {
		t.Fatalf("PUT: got %d %s", got.Status, got.Body)
	}
	want := `replace 2 description:"d": environments:[1]: workflows:[2]: instanceName:"\u003cn\u003e":"n" isActive:false:true ` +
		`pluginOperations:[{"pluginId":9007199254740993,"operation":"o"}]: groupCode:"g": subGroupCode:"s": isDeploymentTarget:false:true`
	if got := history(t, s, path)[0].text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	// A request that changes nothing leaves no record.
	if got := s.Do(t, "PATCH", path, `{}`); got.Status != 200 {
		t.Fatalf("PATCH: got %d %s", got.Status, got.Body)
	}
	if got := history(t, s, path); len(got) != 2 {
		t.Errorf("got %d records after a PATCH of nothing", len(got))
	}

	// A big value is given by its hash, whatever it is.
	long := strings.Repeat("x", instance.MaxHistoryValueBytes)
	if got := s.Do(t, "PATCH", path, `{"description":"`+long+`"}`); got.Status != 200 {
		t.Fatalf("PATCH: got %d %s", got.Status, got.Body)
	}
	want = fmt.Sprintf(`patch 3 description::"sha256:%x"`, sha256.Sum256([]byte(`"`+long+`"`)))
	if got := history(t, s, path)[0].text(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// equalJSON reports whether two JSON values are the same.
func equalJSON(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	var texts [2]string
	for i, v := range []json.RawMessage{a, b} {
		var decoded any
		d := json.NewDecoder(strings.NewReader(string(v)))
		d.UseNumber()
		if err := d.Decode(&decoded); err != nil {
			return false
		}
		b, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	return texts[0] == texts[1]
}

// A history tells what a reader may know, and no more.
func TestHistoryHidesOwners(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	secret := s.MintFor(t, "ci", "hidden-owner", topology.WritePermission)
	created := s.Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`), "Authorization: Token "+secret)
	got := s.Do(t, "GET", created.Header.Get("Location")+"/history", "")
	if list := records(t, got); len(list) != 1 || list[0].By != "ci" || list[0].RequestID != created.Header.Get("X-Request-Id") {
		t.Errorf("got %s, want a create by ci", got.Body)
	}
	for _, hidden := range []string{"hidden-owner", "owner", secret, "incarnation", "osition"} {
		if strings.Contains(got.Body, hidden) {
			t.Errorf("got %s: it has %s", got.Body, hidden)
		}
	}
	// An attribute and a status that no answer shows: those of an import.
	imported := instance.Instance{
		Kind: topology.Kind(), Collection: instance.Block(4711), ID: "4711", Name: "n", Owner: "hidden-owner",
		Status: "hidden-status", Version: 1, Incarnation: instance.NewIncarnation(), CreatedAt: s.Clock.Now(), UpdatedAt: s.Clock.Now(),
		Attributes: json.RawMessage(`{"hidden":1,"description":"d"}`),
	}
	if err := s.Repository.Create(t.Context(), imported, operator(s, "create"), nil); err != nil {
		t.Fatal(err)
	}
	want := `create 1 description::"d" instanceName::"n" isActive::false`
	if list := history(t, s, topology.BasePath+"/4711"); len(list) != 1 || list[0].text() != want || list[0].By != "(operator)" || list[0].RequestID != "" {
		t.Errorf("got %+v, want %s", list, want)
	}
}

// follow reads a list from target on to its end and returns the versions in
// it, and the number of pages.
func follow(t *testing.T, s *apptest.Server, target string, limit int) (versions []string, pages int) {
	t.Helper()
	for ; target != "" && pages < 100; pages++ {
		page := s.Do(t, "GET", target, "")
		list := records(t, page)
		if len(list) > limit {
			t.Fatalf("got a page of %d, want %d at most", len(list), limit)
		}
		for _, r := range list {
			versions = append(versions, fmt.Sprint(r.Operation, r.Version))
		}
		target = next(t, page)
	}
	return versions, pages
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	other := create(t, s, `{"instanceName":"n","instanceCode":"other"}`)
	want := []string{"create1"}
	// All at the same time of the clock.
	for v := 2; v <= 26; v++ {
		if got := s.Do(t, "PATCH", path, fmt.Sprintf(`{"environments":[%d]}`, v)); got.Status != 200 {
			t.Fatalf("PATCH: got %d %s", got.Status, got.Body)
		}
		want = append([]string{"patch" + strconv.Itoa(v)}, want...)
	}
	for _, limit := range []int{1, 2, 3, 5, 13, 25, 26, 27, 1000} {
		got, pages := follow(t, s, path+"/history?LIMIT="+strconv.Itoa(limit), limit)
		if n := (len(want) + limit - 1) / limit; !slices.Equal(got, want) || pages != n {
			t.Errorf("by %d: got %q on %d pages, want all on %d", limit, got, pages, n)
		}
	}

	// What happens between two pages does not disturb them.
	first := s.Do(t, "GET", path+"/history?limit=10", "")
	second := next(t, first)
	link, err := url.Parse(second)
	if err != nil || link.Path != path+"/history" {
		t.Fatalf("got Link to %q, %v", second, err)
	}
	cursor := link.Query().Get("cursor")
	s.Do(t, "PATCH", path, `{"groupCode":"h"}`)
	s.Do(t, "DELETE", path, "")
	if got, pages := follow(t, s, second, 10); !slices.Equal(got, want[10:]) || pages != 2 {
		t.Errorf("after a DELETE: got %q on %d pages", got, pages)
	}
	if got := records(t, s.Do(t, "GET", path+"/history?cursor="+cursor, "")); len(got) != 16 {
		t.Errorf("a cursor without a limit: got %d, want the rest", len(got))
	}
	if got := history(t, s, path); len(got) != 28 || got[0].text() != "delete 27" {
		t.Errorf("got %d records and %+v first", len(got), got[0])
	}

	// A cursor is one of its history only.
	wantProblem(t, s.Do(t, "GET", other+"/history?cursor="+cursor, ""), 400, "cursor")
	wantProblem(t, s.Do(t, "GET", topology.BasePath+"?cursor="+cursor, ""), 400, "cursor")
	search, err := url.Parse(next(t, s.Do(t, "GET", topology.BasePath+"?limit=1", "")))
	if err != nil {
		t.Fatal(err)
	}
	if cursor := search.Query().Get("cursor"); cursor != "" {
		wantProblem(t, s.Do(t, "GET", path+"/history?cursor="+cursor, ""), 400, "cursor")
	}
	for query, field := range map[string]string{
		"instanceCode=x": "instanceCode",
		"Id=1":           "Id",
		"limit=0":        "limit",
		"limit=1001":     "limit",
		"limit=1&limit=": "limit",
		"cursor=x":       "cursor",
		"cursor=!!":      "cursor",
	} {
		wantProblem(t, s.Do(t, "GET", path+"/history?"+query, ""), 400, field)
	}
}

func TestHistoryIDs(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	create(t, full(t, s), body(`"groupCode":"g"`))
	for _, id := range []string{"0", "-1", "x", "1.5", "%20", "1%2F2"} {
		wantProblem(t, s.Do(t, "GET", topology.BasePath+"/"+id+"/history", ""), 400, "Id")
	}
	for _, id := range []string{"2", "11104", "9223372036854775807", "9223372036854775808"} {
		p := wantProblem(t, s.Do(t, "GET", topology.BasePath+"/"+id+"/history", ""), 404)
		if want := "Instance " + id + " not found"; p.Detail != want {
			t.Errorf("got detail %q, want %q", p.Detail, want)
		}
	}
	// An id is the number, however it is written.
	if got := records(t, s.Do(t, "GET", topology.BasePath+"/001/history", "")); len(got) != 1 {
		t.Errorf("got %d records, want 1", len(got))
	}
}

func TestHistoryTakesPermission(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`)) + "/history"
	reader := s.MintFor(t, "reader", "bob", topology.ReadPermission)
	writer := s.MintFor(t, "writer", "alice", topology.WritePermission)
	wantProblem(t, s.Do(t, "GET", path, "", "Authorization:"), 401)
	wantProblem(t, s.Do(t, "GET", path, "", "Authorization: Token "+writer), 403)
	// Nobody learns without it which ids there are.
	wantProblem(t, s.Do(t, "GET", topology.BasePath+"/99/history", "", "Authorization: Token "+writer), 403)
	if got := s.Do(t, "GET", path, "", "Authorization: Token "+reader); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

// A record ends; what it was about may not.
func TestHistoryExpires(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	deleted := create(t, s, `{"instanceName":"n","instanceCode":"deleted"}`)
	s.Do(t, "DELETE", deleted, "")
	s.Clock.Advance(apptest.HistoryRetention - time.Minute)
	patched := create(t, s, `{"instanceName":"n","instanceCode":"patched"}`)
	if got := history(t, s, path); len(got) != 1 {
		t.Errorf("a minute before: got %d records", len(got))
	}
	s.Do(t, "PATCH", patched, `{"groupCode":"g"}`)
	s.Clock.Advance(2 * time.Minute)
	if got := s.Do(t, "GET", path+"/history", ""); got.Status != 200 || got.Body != "[]" {
		t.Errorf("of an instance: got %d %s, want []", got.Status, got.Body)
	}
	if got := s.Do(t, "GET", path+"/history?limit=5", ""); got.Status != 200 || got.Body != "[]" || got.Header.Get("Link") != "" {
		t.Errorf("a page: got %d %s, want []", got.Status, got.Body)
	}
	wantProblem(t, s.Do(t, "GET", deleted+"/history", ""), 404)
	if got := history(t, s, patched); len(got) != 2 {
		t.Errorf("of a newer one: got %d records", len(got))
	}
}

// An instance that takes the id of an earlier one goes on with its history.
func TestHistoryOfTwoIncarnations(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	s.Do(t, "PATCH", path, `{"groupCode":"h"}`)
	s.Do(t, "DELETE", path, "")
	s.Clock.Advance(time.Millisecond)
	again := instance.Instance{
		Kind: topology.Kind(), Collection: keyOf(t, path).Collection, ID: keyOf(t, path).ID, Code: "again", Name: "again", Owner: "o",
		Version: 1, Incarnation: instance.NewIncarnation(), CreatedAt: s.Clock.Now(), UpdatedAt: s.Clock.Now(),
		Attributes: json.RawMessage(`{"isDeploymentTarget":true}`),
	}
	if err := s.Repository.Create(t.Context(), again, operator(s, "create"), nil); err != nil {
		t.Fatal(err)
	}
	if got := s.Do(t, "PATCH", path, `{"groupCode":"i"}`); got.Status != 200 {
		t.Fatalf("PATCH: got %d %s", got.Status, got.Body)
	}
	want := []string{"patch2", "create1", "delete2", "patch2", "create1"}
	for limit := 1; limit <= 6; limit++ {
		if got, _ := follow(t, s, path+"/history?limit="+strconv.Itoa(limit), limit); !slices.Equal(got, want) {
			t.Errorf("by %d: got %q, want %q", limit, got, want)
		}
	}
}

// kept is a repository that keeps n records, and counts what is asked of it.
type kept struct {
	n           int
	description string
	historyErr  error
	getErr      error

	queries []instance.HistoryQuery
	gets    int
}

func (k *kept) History(_ context.Context, q instance.HistoryQuery) iter.Seq2[instance.Event, error] {
	k.queries = append(k.queries, q)
	return func(yield func(instance.Event, error) bool) {
		n := k.n
		if q.After != "" {
			after, err := strconv.Atoi(q.After)
			if err != nil {
				yield(instance.Event{}, err)
				return
			}
			n = after - 1
		}
		for ; n > 0; n-- {
			text, _ := json.Marshal(k.description)
			e := instance.Event{
				Key: q.Key, Version: int64(n), Position: strconv.Itoa(n),
				Fields: []instance.FieldChange{{Field: "description", New: text}},
			}
			if !yield(e, nil) {
				return
			}
		}
		if k.historyErr != nil {
			yield(instance.Event{}, k.historyErr)
		}
	}
}

func (k *kept) Get(context.Context, instance.Key) (instance.Instance, error) {
	k.gets++
	return instance.Instance{}, k.getErr
}

// ask sends a query for a history to k.
func (k *kept) ask(target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.SetPathValue("Id", "7")
	r.Header.Set("Authorization", "Token secret")
	w := httptest.NewRecorder()
	topology.Secure(auth.NewAuthenticator(one{}, time.Now), topology.ReadPermission, topology.ListHistory(k, k)).ServeHTTP(w, r)
	return w
}

// A page takes one read of the history, and another of the instance only where
// the first found nothing.
func TestReadsOfAHistory(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	cursor := "cursor=" + instance.HistoryQuery{Key: instance.Key{Kind: topology.Kind(), Collection: instance.Block(7), ID: "7"}}.
		Cursor(instance.Event{Position: "1"})
	for name, test := range map[string]struct {
		kept   kept
		query  string
		status int
		limit  int
		gets   int
	}{
		"all":                      {kept{n: 3}, "", 200, 0, 0},
		"a page":                   {kept{n: 3}, "limit=2", 200, 3, 0},
		"nothing left":             {kept{}, "", 200, 0, 1},
		"a page of nothing":        {kept{}, "limit=2", 200, 3, 1},
		"never there":              {kept{getErr: instance.ErrNotFound}, "", 404, 0, 1},
		"after the last":           {kept{n: 1, getErr: instance.ErrNotFound}, cursor, 200, 0, 0},
		"a fault":                  {kept{historyErr: broken}, "", 500, 0, 0},
		"a fault after some":       {kept{n: 3, historyErr: broken}, "", 500, 0, 0},
		"a fault of the second":    {kept{getErr: broken}, "", 500, 0, 1},
		"a busy repository":        {kept{historyErr: instance.ErrUnavailable}, "", 503, 0, 0},
		"a busy one at the second": {kept{getErr: instance.ErrUnavailable}, "", 503, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := test.kept
			w := k.ask(topology.BasePath + "/7/history?" + test.query)
			if w.Code != test.status || strings.Contains(w.Body.String(), "broken") {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, test.status)
			}
			if len(k.queries) != 1 || k.gets != test.gets {
				t.Errorf("%d reads of the history and %d of the instance, want 1 and %d", len(k.queries), k.gets, test.gets)
			}
			if q := k.queries[0]; q.Limit != test.limit || q.Key.ID != "7" {
				t.Errorf("the query is %+v, want the limit %d", q, test.limit)
			}
		})
	}
}

// A history that no buffered answer could hold is whole, and so is a page of it.
func TestLargeHistory(t *testing.T) {
	t.Parallel()
	const n = 700
	for query, want := range map[string]int{"": n, "?limit=650": 650} {
		k := &kept{n: n, description: strings.Repeat(`"`, 4200)}
		w := k.ask(topology.BasePath + "/7/history" + query)
		if w.Code != 200 || w.Body.Len() <= httpjson.MaxListBytes {
			t.Fatalf("%q: got %d with %d bytes", query, w.Code, w.Body.Len())
		}
		for i, r := range records(t, apptest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.String()}) {
			if want--; r.Version != int64(n-i) {
				t.Fatalf("%q: got version %d, want %d", query, r.Version, n-i)
			}
		}
		if linked := w.Header().Get("Link") != ""; want != 0 || linked != (query != "") {
			t.Errorf("%q: %d records are missing, a link is %v", query, want, linked)
		}
	}
}
