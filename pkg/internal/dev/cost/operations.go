package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"instances/pkg/execution"
	"instances/pkg/topology"
)

// operation is something whose cost is measured.
type operation struct {
	function string
	// call is the method and what follows the path of the API, and body the
	// body, where the method has one. In both, {id} stands for the id of an
	// instance, {last} for that of one counted from the end, so that what is
	// deleted is not used by others, {n} for its number, {new} for one that no
	// instance has, and {group} for a group.
	call, body string
	// with is another header.
	with string
	// before is a call that is made first, with the same body, and not measured.
	before string
}

// name is what the table shows.
func (o operation) name() string {
	name := o.call
	if header, _, ok := strings.Cut(o.with, ":"); ok {
		name += " with " + header
	}
	if o.before == o.call {
		name += " again"
	}
	return name
}

// api is the API that the operation belongs to.
func (o operation) api() string {
	api, _, _ := strings.Cut(o.function, "-")
	return api
}

// keyName is the name of the key of the calls, and group the group of a tenth
// of the instances.
const (
	keyName = "cost"
	group   = "SOA"
)

// base returns what the paths of an API start with.
func base(api string) string {
	return map[string]string{"topology": topology.BasePath, "compute": "/api/v1", "execution": execution.BasePath}[api]
}

// creates is the operation of each API that creates an instance, with the
// member of its answer that is the id.
func creates() map[string]string {
	return map[string]string{"topology-create": "instanceId", "compute-create": "uuid", "execution-create": "id"}
}

// operations returns what is measured, by APIs.
func operations() []operation {
	text := strings.Repeat("An instance that stands for the others of its kind. ", 5)
	topologyBody := `{"instanceName": "Order processing {n}", "instanceCode": "SOA-{n}", "description": "` + text[:250] + `",
		"groupCode": "{group}", "subGroupCode": "12c", "isActive": true, "isDeploymentTarget": true, "environments": [11101, 11102],
		"workflows": [10801], "pluginOperations": [{"pluginId": 10071, "operation": "deploy"}]}`
	const (
		computeBody = `{"name": "Order processing {n}", "ask_price": 0.02, "max_num_parallel_jobs": 1}`
		image       = `{"image_registry_path": "registry.example.com/team/python:3.6"}`
		start       = "PATCH /instances/{id}/start/"
		addImage    = "PATCH /instances/{id}/add-image/"
		poll        = "GET /instances/{id}/get-jobs/"
	)
	executionBody := `{"id": "0d3b6a54-6f0e-4f7a-9a36-000000{n}", "idRef": "{group}", "name": "Order processing {n}", "description": "` + text[:150] + `",
		"mode": "ExecAsync", "user": "operator", "input": [{"name": "port", "category": "ih-api", "type": "string",
		"options": [{"name": "index", "type": "string", "value": "arh-lts-vesselcall"}]}]}`
	// changed is a body with another value, and created that of a new instance.
	changed := func(body, from, to string) string { return strings.Replace(body, from, to, 1) }
	created := func(body string) string { return strings.ReplaceAll(body, "{n}", "{new}") }
	return []operation{
		{function: "topology-get", call: "GET /{id}"},
		{function: "topology-search", call: "GET ?limit=100"},
		{function: "topology-search", call: "GET ?instanceCode=SOA-{n}"},
		{function: "topology-search", call: "GET ?instanceName=Order+processing+{n}"},
		{function: "topology-search", call: "GET ?groupCode=" + group + "&limit=100"},
		{function: "topology-create", call: "POST", body: created(topologyBody)},
		{function: "topology-create", call: "POST", body: created(topologyBody), with: "Idempotency-Key: create-{new}"},
		{function: "topology-update", call: "PUT /{id}", body: changed(topologyBody, "11102", "11103")},
		{
			function: "topology-update", call: "PUT /{id}", body: changed(topologyBody, "11102", "11105"),
			with: "Idempotency-Key: replace-{n}",
		},
		{function: "topology-patch", call: "PATCH /{id}", body: `{"environments": [11104]}`},
		{function: "topology-delete", call: "DELETE /{last}"},
		{function: "topology-history", call: "GET /{id}/history"},

		{function: "compute-list", call: "GET /instances/?limit=100"},
		{function: "compute-get", call: "GET /instances/{id}/"},
		{function: "compute-create", call: "POST /instances/", body: created(computeBody)},
		{function: "compute-update", call: "PUT /instances/{id}/", body: changed(computeBody, "0.02", "0.03")},
		{function: "compute-patch", call: "PATCH /instances/{id}/", body: `{"ask_price": 0.04}`},
		{function: "compute-delete", call: "DELETE /instances/{last}/"},
		{function: "compute-start", call: start},
		{function: "compute-stop", call: "PATCH /instances/{id}/stop/", before: start},
		{function: "compute-add-image", call: addImage, body: image},
		{function: "compute-delete-image", call: "PATCH /instances/{id}/delete-image/", body: image, before: addImage},
		{function: "compute-get-jobs", call: poll},
		{function: "compute-get-jobs", call: poll, before: poll},
		{function: "compute-images", call: "GET /images/?instance={id}", body: image, before: addImage},
		{function: "compute-gpus", call: "GET /gpus/"},
		{function: "compute-token-auth", call: "POST /api-token-auth/", body: `{"username": "` + keyName + `", "password": "{secret}"}`},

		{function: "execution-create", call: "PUT /create", body: created(executionBody)},
		{function: "execution-get", call: "GET /get/{id}"},
		{function: "execution-list", call: "GET /list?limit=100"},
		{function: "execution-list", call: "GET /list?limit=100&idRef=" + group},
		{function: "execution-update", call: "POST /update", body: changed(strings.Replace(executionBody, "0d3b6a54-6f0e-4f7a-9a36-000000{n}", "{id}", 1), "operator", "operator 2")},
		{function: "execution-delete", call: "DELETE /delete/{last}"},
	}
}

// registry is what the calls are about, and who makes them.
type registry struct {
	secret string
	// ids are those of the instances, by APIs.
	ids map[string][]string
	// made counts the instances, so that each has a code of its own.
	made int
}

// request returns the call of an operation for the nth instance.
func (g *registry) request(o operation, call string, n int) *http.Request {
	of := func(n int) (padded, group string) { return fmt.Sprintf("%06d", n), groupOf(n) }
	number, groupCode := of(n)
	fresh, _ := of(g.made)
	if strings.Contains(o.body, "{new}") {
		_, groupCode = of(g.made)
		g.made++
	}
	pairs := []string{"{n}", number, "{new}", fresh, "{group}", groupCode, "{secret}", g.secret}
	if ids := g.ids[o.api()]; n < len(ids) {
		pairs = append(pairs, "{id}", ids[n], "{last}", ids[len(ids)-1-n])
	}
	fill := strings.NewReplacer(pairs...).Replace
	method, path, _ := strings.Cut(call, " ")
	body := ""
	if method != http.MethodGet {
		body = fill(o.body)
	}
	r := httptest.NewRequest(method, base(o.api())+fill(path), strings.NewReader(body))
	r.Header.Set("User-Agent", "curl/8.7.1")
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, value, ok := strings.Cut(fill(o.with), ": "); ok {
		r.Header.Set(name, value)
	}
	switch o.api() {
	case "topology":
		r.SetBasicAuth(keyName, g.secret)
	case "compute":
		r.Header.Set("Authorization", "Token "+g.secret)
	case "execution":
		r.Header.Set("Authorization", "ApiKey "+g.secret)
	}
	return r
}

func groupOf(n int) string {
	if n%10 == 0 {
		return group
	}
	return fmt.Sprintf("GROUP%d", n%10)
}

// fill creates that many instances of each kind.
func (g *registry) fill(instances int, send func(*http.Request) (*httptest.ResponseRecorder, error)) error {
	for _, o := range operations() {
		member := creates()[o.function]
		if member == "" || o.with != "" {
			continue
		}
		g.made = 0
		for n := range instances {
			answer, err := send(g.request(o, o.call, n))
			if err != nil {
				return err
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(answer.Body.Bytes(), &members); err != nil {
				return fmt.Errorf("decode an instance: %w", err)
			}
			g.ids[o.api()] = append(g.ids[o.api()], strings.Trim(string(members[member]), `"`))
		}
	}
	return nil
}
