package samlocal_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

// step is a request of a story. In paths and bodies, ID stands for the id of
// what the first step created.
type step struct{ method, path, body string }

// story is what a client of one API does.
type story struct {
	// scheme is that of the credentials: Basic has a name too.
	scheme string
	// id is the member of the first answer with the id.
	id string
	// base is the path below which the API is.
	base  string
	steps []step
}

func allStories() map[string]story {
	const missing = "00000000-0000-4000-8000-000000000000"
	return map[string]story{
		"topology": {"Basic", "instanceId", topology.BasePath, []step{
			{"POST", topology.BasePath, `{"instanceName":"Story & søn","instanceCode":"STORY","groupCode":"A","subGroupCode":"B"}`},
			{"POST", topology.BasePath, `{"instanceName":"Again","instanceCode":"story"}`},
			{"GET", topology.BasePath + "/ID", ""},
			{"GET", topology.BasePath + "?instanceName=story+%26+s%C3%B8n&groupCode=a", ""},
			{"GET", topology.BasePath + "?instanceCode=none", ""},
			{"GET", topology.BasePath + "?limit=1", ""},
			{"PATCH", topology.BasePath + "/ID", `{"description":"Patched","environments":[7,8]}`},
			{"PUT", topology.BasePath + "/ID", `{"instanceName":"Replaced","instanceCode":"STORY"}`},
			{"PUT", topology.BasePath + "/ID", `{"instanceName":1}`},
			{"GET", topology.BasePath + "/ID/", ""},
			{"DELETE", topology.BasePath + "/ID", ""},
			{"GET", topology.BasePath + "/ID", ""},
			{"GET", topology.BasePath + "/999999", ""},
		}},
		"compute": {"Token", "uuid", compute.BasePath, []step{
			{"POST", compute.BasePath + "/", `{"name":"Story","ask_price":0.02}`},
			{"GET", compute.BasePath + "/ID/", ""},
			{"GET", compute.BasePath + "/", ""},
			{"PATCH", compute.BasePath + "/ID/start/", ""},
			{"PATCH", compute.BasePath + "/ID/", `{"ask_price":"0.030"}`},
			{"PUT", compute.BasePath + "/ID/", `{"name":"Replaced"}`},
			{"PUT", compute.BasePath + "/ID/", `{"name":"Replaced","ask_price":1}`},
			{"DELETE", compute.BasePath + "/ID/", ""},
			{"GET", compute.BasePath + "/ID/", ""},
			{"GET", compute.BasePath + "/" + missing + "/", ""},
		}},
		"execution": {"ApiKey", "id", execution.BasePath, []step{
			{"PUT", execution.BasePath + "/create", `{"idRef":"model","name":"Story","mode":"ExecSync","user":"me","input":{"z":1.50,"a":[]}}`},
			{"GET", execution.BasePath + "/get/ID", ""},
			{"GET", execution.BasePath + "/list?idRef=MODEL&user=me", ""},
			{"GET", execution.BasePath + "/list", ""},
			{"POST", execution.BasePath + "/update", `{"id":"ID","idRef":"model","name":"Story","mode":"ExecSync","user":"me","input":{},"otStatus":"deployed"}`},
			{"POST", execution.BasePath + "/update", `{"id":"ID"}`},
			{"DELETE", execution.BasePath + "/delete/ID", ""},
			{"GET", execution.BasePath + "/get/ID", ""},
		}},
	}
}

// stories are what clients do to sam local start-api and to the local gateway,
// each on a table of its own.
type stories struct {
	*subject
	servers [2]string
}

func newStories(t *testing.T, s *subject, built string) *stories {
	t.Helper()
	var tables [2]dynamotest.Table
	for i := range tables {
		tables[i] = dynamotest.NewTable(t)
		s.seed(t, tables[i])
	}
	here := httptest.NewServer(s.gateway(t, s.repository(tables[1]), time.Now))
	t.Cleanup(here.Close)
	return &stories{s, [2]string{newSAM(t, built, tables[0]).serve(t), here.URL}}
}

func (x *stories) run(t *testing.T) {
	for api, s := range allStories() {
		t.Run(api, func(t *testing.T) {
			var ids [2]string
			for i, step := range s.steps {
				if step.method == http.MethodDelete && !x.deletes(s.base) {
					continue
				}
				var answers [2]answer
				for j, server := range x.servers {
					answers[j] = x.send(t, server, s.scheme, step.with(ids[j]))
				}
				if difference := answers[0].differs(answers[1], ""); difference != "" {
					t.Errorf("%s %s: sam local start-api and the local gateway differ: %s", step.method, step.path, difference)
				}
				if i > 0 {
					continue
				}
				for j, a := range answers {
					ids[j] = a.member(t, s.id)
				}
			}
		})
	}
}

// deletes reports whether the API at a path has a DELETE.
func (x *stories) deletes(base string) bool {
	for _, f := range x.template.Functions {
		for _, r := range f.Routes {
			if r.Method == http.MethodDelete && strings.HasPrefix(r.Path, base+"/") {
				return true
			}
		}
	}
	return false
}

// with returns the step with an id.
func (s step) with(id string) step {
	if id != "" {
		s.path, s.body = strings.ReplaceAll(s.path, "ID", id), strings.ReplaceAll(s.body, `"ID"`, `"`+id+`"`)
	}
	return s
}

// send makes a request with the credentials of the key.
func (x *stories) send(t *testing.T, server, scheme string, s step) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), invokeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, s.method, server+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Set("Authorization", scheme+" "+x.secret); scheme == "Basic" {
		r.SetBasicAuth(keyName, x.secret)
	}
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// member returns a member of an answer that is an object.
func (a answer) member(t *testing.T, name string) string {
	t.Helper()
	var object map[string]json.RawMessage
	err := json.Unmarshal([]byte(a.body), &object)
	if err != nil || len(object[name]) == 0 {
		t.Fatalf("no %s in %d %s: %v", name, a.status, a.body, err)
	}
	return strings.Trim(string(object[name]), `"`)
}
