package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"instances/pkg/execution"
	"instances/pkg/topology"
)

// operation is something whose cost is measured.
type operation struct {
	// name is what the table shows: the method, and what follows the path of
	// the API.
	name string
	// request is the call for the nth instance of the registry, and before
	// what is done ahead of it without being measured; it may be nil.
	request, before func(n int) *http.Request
}

// registry is what the calls are made of, and who makes them.
type registry struct {
	secret string
	// instances is how many there are of each kind.
	instances int
	// topologyIDs, computeIDs and executionIDs are the ids of them.
	topologyIDs, computeIDs, executionIDs []string
	// made counts the instances, so that each has a code and an id of its own.
	made int
}

// keyName is the name of the key of the calls.
const keyName = "cost"

// computePath is what the paths of the compute API start with.
const computePath = "/api/v1"

// groups are the APIs by the names of their functions, with what their paths
// start with.
func groups() map[string]string {
	return map[string]string{"topology": topology.BasePath, "compute": computePath, "execution": execution.BasePath}
}

// operations returns the operations of each function that has routes.
func (g *registry) operations() map[string][]operation {
	topologyTo := func(method, suffix string, body any) *http.Request {
		r := g.request(method, topology.BasePath+suffix, body)
		r.SetBasicAuth(keyName, g.secret)
		return r
	}
	computeTo := func(method, suffix string, body any) *http.Request {
		r := g.request(method, computePath+suffix, body)
		r.Header.Set("Authorization", "Token "+g.secret)
		return r
	}
	executionTo := func(method, suffix string, body any) *http.Request {
		r := g.request(method, execution.BasePath+suffix, body)
		r.Header.Set("Authorization", "ApiKey "+g.secret)
		return r
	}
	// fixed reads the same each time.
	type send func(method, suffix string, body any) *http.Request
	fixed := func(to send, suffix string) func(int) *http.Request {
		return func(int) *http.Request { return to(http.MethodGet, suffix, nil) }
	}
	topologyOf := func(n int) string { return "/" + g.topologyIDs[n] }
	computeOf := func(n int, suffix string) string { return "/instances/" + g.computeIDs[n] + "/" + suffix }
	// last counts from the end: what is deleted is not used by others.
	last := func(ids []string, n int) string { return ids[len(ids)-1-n] }
	image := map[string]any{"image_registry_path": "registry.example.com/team/python:3.6"}

	start := func(n int) *http.Request { return computeTo(http.MethodPatch, computeOf(n, "start/"), nil) }
	addImage := func(n int) *http.Request { return computeTo(http.MethodPatch, computeOf(n, "add-image/"), image) }
	poll := func(n int) *http.Request { return computeTo(http.MethodGet, computeOf(n, "get-jobs/"), nil) }

	return map[string][]operation{
		"topology-get": {{name: "GET /{Id}", request: func(n int) *http.Request {
			return topologyTo(http.MethodGet, topologyOf(n), nil)
		}}},
		"topology-search": {
			{name: "GET ?limit=100", request: fixed(topologyTo, "?limit=100")},
			{name: "GET ?instanceCode=…", request: func(n int) *http.Request {
				return topologyTo(http.MethodGet, "?instanceCode="+codeOf(n), nil)
			}},
			{name: "GET ?instanceName=…", request: func(n int) *http.Request {
				return topologyTo(http.MethodGet, "?instanceName="+url.QueryEscape(nameOf(n)), nil)
			}},
			{name: "GET ?groupCode=…&limit=100", request: fixed(topologyTo, "?groupCode="+group+"&limit=100")},
		},
		"topology-create": {
			{name: "POST", request: func(int) *http.Request { return topologyTo(http.MethodPost, "", g.topologyBody()) }},
			{name: "POST with Idempotency-Key", request: func(int) *http.Request {
				r := topologyTo(http.MethodPost, "", g.topologyBody())
				r.Header.Set("Idempotency-Key", fmt.Sprintf("create-%d", g.made))
				return r
			}},
		},
		"topology-update": {{name: "PUT /{Id}", request: func(n int) *http.Request {
			body := topologyBody(n)
			body["environments"] = []int{11103}
			return topologyTo(http.MethodPut, topologyOf(n), body)
		}}},
		"topology-patch": {{name: "PATCH /{Id}", request: func(n int) *http.Request {
			return topologyTo(http.MethodPatch, topologyOf(n), map[string]any{"environments": []int{11104}})
		}}},
		"topology-delete": {{name: "DELETE /{Id}", request: func(n int) *http.Request {
			return topologyTo(http.MethodDelete, "/"+last(g.topologyIDs, n), nil)
		}}},
		"topology-history": {{name: "GET /{Id}/history", request: func(n int) *http.Request {
			return topologyTo(http.MethodGet, topologyOf(n)+"/history", nil)
		}}},

		"compute-list": {{name: "GET /instances/?limit=100", request: fixed(computeTo, "/instances/?limit=100")}},
		"compute-get": {{name: "GET /instances/{uuid}/", request: func(n int) *http.Request {
			return computeTo(http.MethodGet, computeOf(n, ""), nil)
		}}},
		"compute-create": {{name: "POST /instances/", request: func(int) *http.Request {
			return computeTo(http.MethodPost, "/instances/", g.computeBody())
		}}},
		"compute-update": {{name: "PUT /instances/{uuid}/", request: func(n int) *http.Request {
			body := computeBody(n)
			body["ask_price"] = 0.03
			return computeTo(http.MethodPut, computeOf(n, ""), body)
		}}},
		"compute-patch": {{name: "PATCH /instances/{uuid}/", request: func(n int) *http.Request {
			return computeTo(http.MethodPatch, computeOf(n, ""), map[string]any{"ask_price": 0.04})
		}}},
		"compute-delete": {{name: "DELETE /instances/{uuid}/", request: func(n int) *http.Request {
			return computeTo(http.MethodDelete, "/instances/"+last(g.computeIDs, n)+"/", nil)
		}}},
		"compute-start": {{name: "PATCH …/start/", request: start}},
		"compute-stop": {{name: "PATCH …/stop/", before: start, request: func(n int) *http.Request {
			return computeTo(http.MethodPatch, computeOf(n, "stop/"), nil)
		}}},
		"compute-add-image": {{name: "PATCH …/add-image/", request: addImage}},
		"compute-delete-image": {{name: "PATCH …/delete-image/", before: addImage, request: func(n int) *http.Request {
			return computeTo(http.MethodPatch, computeOf(n, "delete-image/"), image)
		}}},
		"compute-get-jobs": {
			{name: "GET …/get-jobs/, heartbeat", request: poll},
			{name: "GET …/get-jobs/, in between", before: poll, request: poll},
		},
		"compute-images": {{name: "GET /images/?instance=…", before: addImage, request: func(n int) *http.Request {
			return computeTo(http.MethodGet, "/images/?instance="+g.computeIDs[n], nil)
		}}},
		"compute-gpus": {{name: "GET /gpus/", request: fixed(computeTo, "/gpus/")}},
		"compute-token-auth": {{name: "POST /api-token-auth/", request: func(int) *http.Request {
			return g.request(http.MethodPost, computePath+"/api-token-auth/", map[string]any{"username": keyName, "password": g.secret})
		}}},

		"execution-create": {{name: "PUT /create", request: func(int) *http.Request {
			return executionTo(http.MethodPut, "/create", g.executionBody())
		}}},
		"execution-get": {{name: "GET /get/{id}", request: func(n int) *http.Request {
			return executionTo(http.MethodGet, "/get/"+g.executionIDs[n], nil)
		}}},
		"execution-list": {
			{name: "GET /list?limit=100", request: fixed(executionTo, "/list?limit=100")},
			{name: "GET /list?idRef=…&limit=100", request: fixed(executionTo, "/list?limit=100&idRef="+group)},
		},
		"execution-update": {{name: "POST /update", request: func(n int) *http.Request {
			body := executionBody(n)
			body["id"], body["otStatus"] = g.executionIDs[n], "deployed"
			return executionTo(http.MethodPost, "/update", body)
		}}},
		"execution-delete": {{name: "DELETE /delete/{id}", request: func(n int) *http.Request {
			return executionTo(http.MethodDelete, "/delete/"+last(g.executionIDs, n), nil)
		}}},
	}
}

// request is a request with a body of JSON, which may be nil.
func (g *registry) request(method, path string, body any) *http.Request {
	var content []byte
	if body != nil {
		// What is encoded are maps of plain values.
		content, _ = json.Marshal(body)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(string(content)))
	r.Header.Set("User-Agent", "curl/8.7.1")
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// group is the group of a tenth of the instances.
const group = "SOA"

func groupOf(n int) string {
	if n%10 == 0 {
		return group
	}
	return fmt.Sprintf("GROUP%d", n%10)
}

func codeOf(n int) string { return fmt.Sprintf("SOA-%05d", n) }

func nameOf(n int) string { return fmt.Sprintf("Order processing %05d", n) }

// text is a text of that many characters.
func text(characters int) string {
	const words = "An instance that stands for the others of its kind. "
	return strings.Repeat(words, characters/len(words)+1)[:characters]
}

func topologyBody(n int) map[string]any {
	return map[string]any{
		"instanceName": nameOf(n), "instanceCode": codeOf(n), "description": text(250), "groupCode": groupOf(n), "subGroupCode": "12c",
		"isActive": true, "isDeploymentTarget": true, "environments": []int{11101, 11102}, "workflows": []int{10801},
		"pluginOperations": []map[string]any{{"pluginId": 10071, "operation": "deploy"}},
	}
}

func computeBody(n int) map[string]any {
	return map[string]any{"name": nameOf(n), "ask_price": 0.02, "max_num_parallel_jobs": 1}
}

func executionBody(n int) map[string]any {
	return map[string]any{
		"idRef": groupOf(n), "name": nameOf(n), "description": text(150), "mode": "ExecAsync", "user": "operator",
		"input": []map[string]any{{"name": "port", "category": "ih-api", "type": "string", "options": []map[string]any{
			{"name": "index", "type": "string", "value": "arh-lts-vesselcall"},
		}}},
	}
}

// topologyBody, computeBody and executionBody are those of a new instance.
func (g *registry) topologyBody() map[string]any {
	g.made++
	return topologyBody(g.made - 1)
}

func (g *registry) computeBody() map[string]any {
	g.made++
	return computeBody(g.made - 1)
}

func (g *registry) executionBody() map[string]any {
	g.made++
	body := executionBody(g.made - 1)
	body["id"] = fmt.Sprintf("0d3b6a54-6f0e-4f7a-9a36-%012x", g.made)
	return body
}

// fill makes the instances with the operations of the registry itself.
func (g *registry) fill(do func(function string, r *http.Request) ([]byte, error)) error {
	operations := g.operations()
	for _, kind := range []struct {
		function, id string
		ids          *[]string
	}{
		{"topology-create", "instanceId", &g.topologyIDs},
		{"compute-create", "uuid", &g.computeIDs},
		{"execution-create", "id", &g.executionIDs},
	} {
		g.made = 0
		for range g.instances {
			answer, err := do(kind.function, operations[kind.function][0].request(0))
			if err != nil {
				return err
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(answer, &members); err != nil {
				return fmt.Errorf("decode an instance: %w", err)
			}
			*kind.ids = append(*kind.ids, strings.Trim(string(members[kind.id]), `"`))
		}
	}
	return nil
}
