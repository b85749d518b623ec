package topology_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/topology"
)

// found returns the codes of the instances in a list.
func found(t *testing.T, got apptest.Response) []string {
	t.Helper()
	var list []struct{ InstanceCode string }
	if err := json.Unmarshal([]byte(got.Body), &list); err != nil || got.Status != 200 {
		t.Fatalf("got %d %.300s, want a list", got.Status, got.Body)
	}
	codes := []string{}
	for _, i := range list {
		codes = append(codes, i.InstanceCode)
	}
	return codes
}

// next returns the target of the link to the next page, or an empty text.
func next(t *testing.T, got apptest.Response) string {
	t.Helper()
	link := got.Header.Get("Link")
	if link == "" {
		return ""
	}
	target, ok := strings.CutSuffix(link, `>; rel="next"`)
	if !ok || !strings.HasPrefix(target, "<") {
		t.Fatalf("got Link %q", link)
	}
	return target[1:]
}

func TestSearch(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		for _, i := range []string{
			`{"instanceCode":"A1","instanceName":"Web Server","groupCode":"Group","subGroupCode":"Blue"}`,
			`{"instanceCode":"a2","instanceName":"web client","groupCode":"GROUP","subGroupCode":"green"}`,
			`{"instanceCode":"B3","instanceName":"Datenbank Köln","groupCode":"other","subGroupCode":"blue"}`,
			`{"instanceCode":"C4","instanceName":"Straße ΣΊΣΥΦΟΣ","groupCode":"gruppe ß"}`,
			`{"instanceCode":"D5","instanceName":"100%_real [x] \\ web"}`,
		} {
			create(t, s, i)
		}
		for _, test := range []struct {
			query string
			want  string
		}{
			{"", "A1 a2 B3 C4 D5"},
			{"instanceCode=a1", "A1"},
			{"instanceCode=A2", "a2"},
			{"INSTANCECODE=A2", "a2"},
			{"instanceCode=A", ""},
			{"instanceName=WEB", "A1 a2 D5"},
			{"instanceName=KÖLN", "B3"},
			{"instanceName=ko\u0308ln", "B3"},
			{"instanceName=σίσυφος", "C4"},
			{"instanceName=σίσυφοσ", "C4"},
			{"instanceName=%_", "D5"},
			{"instanceName=[x] \\", "D5"},
			{"instanceName=%", "D5"},
			{"instanceName=nothing", ""},
			{"groupCode=group", "A1 a2"},
			{"groupCode=grou", ""},
			{"groupCode=GRUPPE ẞ", "C4"},
			{"subGroupCode=BLUE", "A1 B3"},
			{"groupCode=group&subGroupCode=blue", "A1"},
			{"groupCode=group&instanceName=client", "a2"},
			{"groupCode=group&instanceName=bank", ""},
			{"instanceName=web&subGroupCode=green&groupCode=group", "a2"},
			{"instanceCode=B3&groupCode=group", ""},
			{"instanceCode=B3&groupCode=OTHER&instanceName=bank&subGroupCode=blue", "B3"},
			{"instanceCode=&instanceName=", "A1 a2 B3 C4 D5"},
			{"instanceCode=" + strings.Repeat("x", 3000), ""},
			{"groupCode=" + strings.Repeat("x", 3000), ""},
		} {
			values := url.Values{}
			for pair := range strings.SplitSeq(test.query, "&") {
				if name, value, ok := strings.Cut(pair, "="); ok {
					values.Set(name, value)
				}
			}
			got := strings.Join(found(t, s.Do(t, "GET", topology.BasePath+"?"+values.Encode(), "")), " ")
			if got != test.want {
				t.Errorf("%.100q: got %q, want %q", test.query, got, test.want)
			}
		}
	})
}

func TestSearchParameters(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	create(t, full(t, s), `{"instanceCode":"A1","instanceName":"n"}`)
	for query, field := range map[string]string{
		"instancecodes=A1":               "instancecodes",
		"id=1":                           "id",
		"instanceCode=A1&instanceCode=B": "instanceCode",
		"instanceCode=A1&INSTANCECODE=B": "instanceCode",
		"limit=0":                        "limit",
		"limit=1001":                     "limit",
		"limit=x":                        "limit",
		"cursor=x":                       "cursor",
		"cursor=!!":                      "cursor",
		"instanceName=%FF":               "instanceName",
		"groupCode=%ED%A0%80":            "groupCode",
		"subGroupCode=%EF%BF%BD":         "subGroupCode",
	} {
		wantProblem(t, s.Do(t, "GET", topology.BasePath+"?"+query, ""), 400, field)
	}
}

// Parameters without a value, and the one that clients add against caches, count
// as not given.
func TestIgnoredParameters(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	create(t, full(t, s), `{"instanceCode":"A1","instanceName":"n"}`)
	all := s.Do(t, "GET", topology.BasePath, "").Body
	for _, query := range []string{"instanceCode=", "instanceCode", "groupCode=&subGroupCode=&instanceName=", "limit=&cursor=", "_=1700000000000"} {
		if got := s.Do(t, "GET", topology.BasePath+"?"+query, ""); got.Status != 200 || got.Body != all {
			t.Errorf("%s: got %d %s, want %s", query, got.Status, got.Body, all)
		}
	}
	if got := s.Do(t, "GET", topology.BasePath+"?instanceCode=none&_=1", ""); got.Body != "[]" {
		t.Errorf("with another parameter: got %d %s", got.Status, got.Body)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	// Across the border of two blocks, where ids get a digit more.
	startAt(t, s, 9996)
	var all []string
	for i := range 9 {
		code := fmt.Sprintf("c%d", i)
		create(t, s, fmt.Sprintf(`{"instanceCode":%q,"instanceName":"web %d","groupCode":"g"}`, code, i))
		all = append(all, code)
	}
	for _, query := range []string{"", "instanceName=WEB", "groupCode=G", "groupCode=g&instanceName=web"} {
		for _, limit := range []int{1, 2, 3, 4, 8, 9, 10} {
			var got []string
			target := fmt.Sprintf("%s?%s&Limit=%d", topology.BasePath, query, limit)
			pages := 0
			for ; target != "" && pages < 20; pages++ {
				page := s.Do(t, "GET", target, "")
				codes := found(t, page)
				if len(codes) > limit || len(codes) == 0 {
					t.Fatalf("limit %d: got a page of %d", limit, len(codes))
				}
				got = append(got, codes...)
				target = next(t, page)
			}
			if want := (len(all) + limit - 1) / limit; !slices.Equal(got, all) || pages != want {
				t.Errorf("%q by %d: got %q on %d pages, want all on %d", query, limit, got, pages, want)
			}
		}
	}

	first := s.Do(t, "GET", topology.BasePath+"?groupCode=g&limit=3", "")
	link, err := url.Parse(next(t, first))
	if err != nil {
		t.Fatal(err)
	}
	cursor := link.Query().Get("cursor")
	foreign := wantProblem(t, s.Do(t, "GET", topology.BasePath+"?groupCode=other&limit=3&cursor="+cursor, ""), 400, "cursor")
	if foreign.Detail != "1 query parameter is not valid." || !strings.HasPrefix(foreign.Errors[0].Message, "belongs to another list or search") {
		t.Errorf("a cursor of another search: got %+v", foreign)
	}
	// One that is damaged in any place is told from it.
	for i := range cursor {
		for _, damaged := range []string{cursor[:i] + "A" + cursor[i+1:], cursor[:i] + "9" + cursor[i+1:], cursor[:i] + cursor[i+1:], cursor[:i]} {
			if damaged == cursor || damaged == "" {
				continue
			}
			p := wantProblem(t, s.Do(t, "GET", topology.BasePath+"?groupCode=g&limit=3&cursor="+damaged, ""), 400, "cursor")
			if !strings.HasPrefix(p.Errors[0].Message, "is not one that this list gave") {
				t.Errorf("the cursor %s: got %+v", damaged, p)
			}
		}
	}
	if got := found(t, s.Do(t, "GET", topology.BasePath+"?groupCode=g&cursor="+cursor, "")); !slices.Equal(got, all[3:]) {
		t.Errorf("a cursor without a limit: got %q, want the rest", got)
	}
}

// A list that no buffered answer could hold is whole.
func TestLargeList(t *testing.T) {
	t.Parallel()
	const n = 20_000
	o := one{stored: stored(), n: n}
	r := httptest.NewRequest(http.MethodGet, topology.BasePath, nil)
	r.Header.Set("Authorization", "Token secret")
	w := httptest.NewRecorder()
	topology.Secure(auth.NewAuthenticator(o, time.Now), topology.ReadPermission, topology.SearchInstances(o)).ServeHTTP(w, r)
	if w.Code != 200 || w.Body.Len() <= httpjson.MaxListBytes || !json.Valid(w.Body.Bytes()) ||
		bytes.Count(w.Body.Bytes(), []byte(`"instanceId":11004,`)) != n {
		t.Errorf("got %d with %d bytes", w.Code, w.Body.Len())
	}
}
