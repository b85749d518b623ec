package httpjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// after asks for the numbers after it.
type after int

func (a after) Cursor(last int) string { return "after-" + strconv.Itoa(last) }

func (a after) Resume(cursor string) (after, error) {
	if strings.HasPrefix(cursor, "before-") {
		return 0, instance.ErrForeignCursor
	}
	n, err := strconv.Atoi(strings.TrimPrefix(cursor, "after-"))
	if err != nil {
		return 0, instance.ErrCursor
	}
	return after(n), nil
}

// numbers is a list of the numbers from 1 to n. It notes each limit that is
// asked for and how many entries were taken.
type numbers struct {
	n             int
	entry         func(n int) any
	limits, taken []int
	err           error // At the end.
	// again changes the list before it is read for the second time.
	again func(s *numbers)
	gone  []int
}

func (s *numbers) read(q after, limit int) iter.Seq2[int, error] {
	if len(s.limits) == 1 && s.again != nil {
		s.again(s)
	}
	s.limits = append(s.limits, limit)
	s.taken = append(s.taken, 0)
	taken := &s.taken[len(s.taken)-1]
	return func(yield func(int, error) bool) {
		for n := int(q) + 1; n <= s.n; n++ {
			if slices.Contains(s.gone, n) {
				continue
			}
			if *taken++; !yield(n, nil) || *taken == limit {
				return
			}
		}
		if s.err != nil {
			yield(0, s.err)
		}
	}
}

// serve answers with a page of the list. It returns the error that reached the
// dialect.
func (s *numbers) serve(w http.ResponseWriter, paging httpjson.Paging) error {
	return s.serveMethod(w, http.MethodGet, paging)
}

func (s *numbers) serveMethod(w http.ResponseWriter, method string, paging httpjson.Paging) error {
	list := httpjson.List[after, int]{
		Parameters: map[string]string{"name": "a&b"},
		Paging:     paging,
		Encode:     func(n int) (any, error) { return s.entry(n), nil },
	}
	var failed error
	dialect := httpjson.Errors{Describe: func(_ *http.Request, err error) (int, any) {
		failed = err
		return http.StatusTeapot, nil
	}}
	dialect.Open(func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		return list.Answer(r, s.read)
	}).ServeHTTP(w, httptest.NewRequest(method, "/things?name=a%26b", nil))
	return failed
}

func (s *numbers) write(paging httpjson.Paging) (*httptest.ResponseRecorder, error) {
	w := httptest.NewRecorder()
	err := s.serve(w, paging)
	return w, err
}

// plain is an entry as small as can be.
func plain(n int) any { return n }

// A HEAD reads what decides the headers, and no more.
func TestListHead(t *testing.T) {
	t.Parallel()
	long := func(n int) any { return strings.Repeat("x", 100) + strconv.Itoa(n) }
	for _, test := range []struct {
		entry  func(int) any
		n      int
		paging httpjson.Paging
		taken  []int
	}{
		{plain, 3, httpjson.Paging{}, []int{3}},
		{long, 100_000, httpjson.Paging{}, []int{40}}, // 4 KB
		{long, 100_000, httpjson.Paging{Limit: 10}, []int{11}},
		{func(int) any { return strings.Repeat("x", 1<<20) }, 100, httpjson.Paging{Limit: 10}, []int{11}},
	} {
		get, head := &numbers{n: test.n, entry: test.entry}, &numbers{n: test.n, entry: test.entry}
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		if err := errors.Join(get.serve(want, test.paging), head.serveMethod(got, http.MethodHead, test.paging)); err != nil {
			t.Fatal(err)
		}
		want.Header().Del("Content-Length")
		if got.Code != want.Code || got.Body.Len() > 0 || !reflect.DeepEqual(got.Header(), want.Header()) {
			t.Errorf("%+v: answer %d %v with %d bytes, want %d %v", test.paging, got.Code, got.Header(), got.Body.Len(), want.Code, want.Header())
		}
		if !slices.Equal(head.taken, test.taken) {
			t.Errorf("%+v of %d: it read %d entries, want %d", test.paging, test.n, head.taken, test.taken)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n      int
		paging httpjson.Paging
		body   string
		link   string // the cursor in it
		limit  int
	}{
		{0, httpjson.Paging{}, `[]`, "", 0},
		{0, httpjson.Paging{Limit: 2}, `[]`, "", 3},
		{3, httpjson.Paging{}, `[1,2,3]`, "", 0},
		{3, httpjson.Paging{Limit: 1}, `[1]`, "after-1", 2},
		{3, httpjson.Paging{Limit: 2}, `[1,2]`, "after-2", 3},
		{3, httpjson.Paging{Limit: 3}, `[1,2,3]`, "", 4},
		{3, httpjson.Paging{Limit: 1, Cursor: "after-1"}, `[2]`, "after-2", 2},
		{3, httpjson.Paging{Limit: 1, Cursor: "after-2"}, `[3]`, "", 2},
		{3, httpjson.Paging{Cursor: "after-1"}, `[2,3]`, "", 0},
		{3, httpjson.Paging{Limit: 1, Cursor: "after-3"}, `[]`, "", 2},
	} {
		s := &numbers{n: test.n, entry: plain}
		w, err := s.write(test.paging)
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		link := ""
		if test.link != "" {
			link = fmt.Sprintf(`</things?cursor=%s&limit=%d&name=a%%26b>; rel="next"`, test.link, test.paging.Limit)
		}
		if w.Code != http.StatusOK || w.Body.String() != test.body || w.Header().Get("Link") != link {
			t.Errorf("%+v: got %d %s and Link %q, want Link %q", test, w.Code, w.Body, w.Header().Get("Link"), link)
		}
		if s.limits[0] != test.limit || test.limit > 0 && s.taken[0] > test.limit {
			t.Errorf("%+v: asked for %d and took %d, want %d", test, s.limits[0], s.taken[0], test.limit)
		}
	}
}

func TestListErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := &numbers{n: 2, entry: plain, err: broken}
	if w, err := s.write(httpjson.Paging{}); !errors.Is(err, broken) || w.Body.String() != "null" {
		t.Errorf("a fault: got %v and body %q", err, w.Body)
	}
	for cursor, says := range map[string]string{"x": "is not one that this list gave", "before-1": "belongs to another list"} {
		_, err := s.write(httpjson.Paging{Cursor: cursor})
		refused := requestError(t, err)
		if refused.Status != 400 || len(refused.Fields) != 1 || refused.Fields[0].Field != "cursor" ||
			!strings.HasPrefix(refused.Fields[0].Message, says) || len(s.limits) != 1 {
			t.Errorf("the cursor %s: got %v, read %d times", cursor, err, len(s.limits)-1)
		}
	}
	s = &numbers{entry: plain, err: instance.ErrCursor}
	for _, limit := range []int{0, 1} {
		if _, err := s.write(httpjson.Paging{Limit: limit}); requestError(t, err).Status != 400 {
			t.Errorf("a position that the repository refuses, limit %d: got %v", limit, err)
		}
	}
	s = &numbers{n: 2, entry: func(int) any { return func() {} }}
	if w, err := s.write(httpjson.Paging{}); err == nil || w.Body.String() != "null" {
		t.Errorf("an entry that has no JSON: got %v and body %q", err, w.Body)
	}
}

// large is an entry of 300 kB.
func large(n int) any { return strconv.Itoa(n) + strings.Repeat(" ", 300_000) }

// found returns the numbers in a list of large entries.
func found(t *testing.T, body []byte) []int {
	t.Helper()
	var list []string
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("not a list: %v", err)
	}
	all := make([]int, len(list))
	for i, entry := range list {
		var err error
		if all[i], err = strconv.Atoi(strings.TrimSpace(entry)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A page that is too large to be kept holds as many entries as any other, and
// the next one goes on after it, even if the list changes while it is sent.
func TestLargePage(t *testing.T) {
	t.Parallel()
	delete := func(gone ...int) func(*numbers) { return func(s *numbers) { s.gone = gone } }
	for name, test := range map[string]struct {
		n     int
		gone  []int // At first.
		again func(*numbers)
		want  []int
		link  string
		// limits and taken are those of the later readings.
		limits, taken []int
	}{
		"a whole page":          {9, nil, nil, []int{1, 2, 3, 4, 5, 6, 7}, "after-7", []int{3}, []int{3}},
		"the last page":         {7, nil, nil, []int{1, 2, 3, 4, 5, 6, 7}, "", []int{3}, []int{3}},
		"fewer than a page":     {6, nil, nil, []int{1, 2, 3, 4, 5, 6}, "", []int{2}, []int{2}},
		"no more than is kept":  {4, nil, nil, []int{1, 2, 3, 4}, "", nil, nil},
		"one is deleted":        {9, nil, delete(6), []int{1, 2, 3, 4, 5, 7}, "after-7", []int{3}, []int{2}},
		"the last is deleted":   {9, nil, delete(7), []int{1, 2, 3, 4, 5, 6}, "after-7", []int{3}, []int{3}},
		"and the one after it":  {99, nil, delete(7, 8), []int{1, 2, 3, 4, 5, 6}, "after-7", []int{3, 1000}, []int{3, 90}},
		"one is created":        {9, []int{5}, delete(), []int{1, 2, 3, 4, 6, 7, 8}, "after-8", []int{3, 1000}, []int{3, 1}},
		"none is left":          {7, nil, func(s *numbers) { s.n = 4 }, []int{1, 2, 3, 4}, "", []int{3}, []int{0}},
		"what was kept is gone": {9, nil, delete(1, 4), []int{1, 2, 3, 4, 5, 6, 7}, "after-7", []int{3}, []int{3}},
		"more come after them":  {7, nil, func(s *numbers) { s.n = 99 }, []int{1, 2, 3, 4, 5, 6, 7}, "", []int{3}, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &numbers{n: test.n, entry: large, gone: test.gone, again: test.again}
			w, err := s.write(httpjson.Paging{Limit: 7})
			if err != nil {
				t.Fatal(err)
			}
			link := ""
			if test.link != "" {
				link = "</things?cursor=" + test.link + `&limit=7&name=a%26b>; rel="next"`
			}
			if got := w.Header().Get("Link"); got != link {
				t.Errorf("got Link %q, want %q", got, link)
			}
			if got := found(t, w.Body.Bytes()); !slices.Equal(got, test.want) {
				t.Errorf("got %d, want %d", got, test.want)
			}
			if !slices.Equal(s.limits[1:], test.limits) || !slices.Equal(s.taken[1:], test.taken) {
				t.Errorf("read with the limits %d, took %d, want %d and %d after the first", s.limits, s.taken, test.limits, test.taken)
			}
		})
	}
}

// unstreamed is a writer that cannot stream.
type unstreamed struct{ http.ResponseWriter }

// Where nothing can be streamed, a list that fits into the answer of a Lambda,
// where the quotes of JSON count twice, is answered, and any other is refused.
func TestBufferedList(t *testing.T) {
	t.Parallel()
	const entries = 8
	// The entry is a string of quotes, with two of its own.
	fits := (httpjson.MaxListBytes - len(`[]`) - (entries-1)*len(`,`)) / entries
	for _, limit := range []int{0, 100} {
		for more, want := range map[int]int{0: 0, 1: http.StatusBadRequest} {
			s := &numbers{n: entries, entry: func(int) any { return strings.Repeat(`"`, (fits-4)/4+more) }}
			w := httptest.NewRecorder()
			err := s.serve(unstreamed{w}, httpjson.Paging{Limit: limit})
			if want != 0 {
				if refused := requestError(t, err); refused.Status != want || !strings.Contains(refused.Detail, "limit") {
					t.Errorf("limit %d: got %v", limit, err)
				}
				continue
			}
			inLambda, encodeErr := json.Marshal(w.Body.String())
			if err != nil || encodeErr != nil || len(inLambda) > httpjson.MaxListBytes+2 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("limit %d: got %v and %d bytes", limit, err, len(inLambda))
			}
		}
	}
}
