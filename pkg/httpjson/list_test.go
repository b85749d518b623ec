package httpjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
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
}

func (s *numbers) write(paging httpjson.Paging) (*httptest.ResponseRecorder, error) {
	list := httpjson.List[after, int]{
		Parameters: map[string]string{"name": "a&b"},
		Paging:     paging,
		Encode:     func(n int) (any, error) { return s.entry(n), nil },
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/things?name=a%26b", nil)
	answer, err := list.Answer(r, func(q after, limit int) iter.Seq2[int, error] {
		s.limits = append(s.limits, limit)
		s.taken = append(s.taken, 0)
		return func(yield func(int, error) bool) {
			for n := int(q) + 1; n <= s.n; n++ {
				s.taken[len(s.taken)-1]++
				if !yield(n, nil) {
					return
				}
			}
			if s.err != nil {
				yield(0, s.err)
			}
		}
	})
	if err == nil {
		open := httpjson.Errors{}.Open(func(*http.Request, auth.Principal) (httpjson.Answer, error) { return answer, nil })
		open.ServeHTTP(w, r)
	}
	return w, err
}

// plain is an entry as small as can be.
func plain(n int) any { return n }

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
	if w, err := s.write(httpjson.Paging{}); !errors.Is(err, broken) || w.Body.Len() > 0 {
		t.Errorf("a fault: got %v and body %q", err, w.Body)
	}
	if _, err := s.write(httpjson.Paging{Cursor: "x"}); !errors.Is(err, instance.ErrCursor) || len(s.limits) != 1 {
		t.Errorf("a bad cursor: got %v, read %d times", err, len(s.limits)-1)
	}
	s = &numbers{n: 2, entry: func(int) any { return func() {} }}
	if w, err := s.write(httpjson.Paging{}); err == nil || w.Body.Len() > 0 {
		t.Errorf("an entry that has no JSON: got %v and body %q", err, w.Body)
	}
}

// A page is as large as fits into the answer of a Lambda, where the quotes of
// JSON count twice.
func TestLargePages(t *testing.T) {
	t.Parallel()
	const quoted = 600_000
	s := &numbers{n: 9, entry: func(n int) any { return strconv.Itoa(n) + strings.Repeat(`"`, quoted/4) }}
	if _, err := s.write(httpjson.Paging{}); requestError(t, err).Status != http.StatusBadRequest {
		t.Errorf("without a limit: got %v", err)
	}
	var got []int
	cursor := ""
	for range 5 {
		w, err := s.write(httpjson.Paging{Limit: 100, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		inLambda, err := json.Marshal(w.Body.String())
		if err != nil {
			t.Fatal(err)
		}
		if len(inLambda) > httpjson.MaxListBytes+2 {
			t.Errorf("the page takes %d bytes", len(inLambda))
		}
		var page []string
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, entry := range page {
			n, err := strconv.Atoi(strings.TrimRight(entry, `"`))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if w.Header().Get("Link") == "" {
			break
		}
		cursor = after(0).Cursor(got[len(got)-1])
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(got, want) {
		t.Errorf("got %v on the pages", got)
	}
	// An entry that is too large by itself has a page of its own.
	s = &numbers{n: 2, entry: func(int) any { return strings.Repeat("x", httpjson.MaxListBytes) }}
	if w, err := s.write(httpjson.Paging{Limit: 100}); err != nil || w.Header().Get("Link") == "" {
		t.Errorf("a huge entry: got %v and Link %q", err, w.Header().Get("Link"))
	}
}
