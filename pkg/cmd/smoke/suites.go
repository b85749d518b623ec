package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// testGateway takes the steps that need no permission: what API Gateway
// answers by itself, and what functions answer to strangers.
func (r *runner) testGateway(ctx context.Context) {
	s := r.start(suite{api: "gateway"})
	wrong := base64.StdEncoding.EncodeToString([]byte(r.name + ":" + r.tag))

	s.do(ctx, "asks for credentials", "", "GET "+topology.BasePath, nil, "401",
		hasHeader("X-Amzn-Remapped-Www-Authenticate", `Basic realm="instances"`))
	s.do(ctx, "rejects wrong credentials", "", "GET "+topology.BasePath+" Authorization: Basic "+wrong, nil, "401",
		is(object{"title": "Unauthorized"}))
	s.do(ctx, "rejects strangers as the compute API does", "", "GET "+compute.BasePath+"/ Authorization: Token "+r.tag, nil, "401",
		is(object{"detail": "Invalid token."}))
	s.do(ctx, "answers 404 for an unknown path", "", "GET "+execution.BasePath+"/"+r.tag, nil, "404", is(object{"message": "Not found"}))
	s.do(ctx, "answers 405 for an unknown method", "", "POST "+execution.BasePath+"/list", nil, "405", hasHeader("Allow", "GET, HEAD, OPTIONS"))
	s.do(ctx, "answers the preflight request of a page", "", "OPTIONS "+topology.BasePath, nil, "204",
		hasHeader("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
	s.do(ctx, "serves the description of an API", "", "GET /openapi/topology.json", nil, "200", is(object{"openapi": "3.1.0"}))
	s.do(ctx, "serves the page to try the APIs", "", "GET /docs", nil, "200", hasHeader("Content-Type", "text/html; charset=utf-8"))
}

func (r *runner) testTopology(ctx context.Context) {
	const read, write, list = topology.ReadPermission, topology.WritePermission, topology.BasePath
	s := r.start(suite{
		api: "topology", authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(r.name+":"+r.secret)),
		idMember: "instanceId", remove: "DELETE " + list + "/{id}", gone: "404",
	})
	instance := func(name string, environments ...int) object {
		return object{"instanceName": name, "instanceCode": r.tag, "environments": environments}
	}
	// The id is known only when the check is made.
	same := func(name string, environments ...int) check {
		return func(a answer) error {
			want := instance(name, environments...)
			want["instanceId"] = json.Number(s.id)
			return is(want)(a)
		}
	}
	post := "POST " + list + " Idempotency-Key: " + r.tag
	var location, etag string

	s.do(ctx, "lists a page", read, "GET "+list+"?limit=1", nil, "200", isList)
	s.do(ctx, "answers HEAD", read, "HEAD "+list+"?limit=1", nil, "200", hasHeader("Content-Type", "application/json"))
	s.create(ctx, "creates an instance", write, post, instance("Smoke", 1), "201", same("Smoke", 1), func(a answer) (err error) {
		etag = a.header.Get("ETag")
		// It starts with the path of the URL, which has the stage.
		var ok bool
		if location, ok = strings.CutPrefix(a.header.Get("Location"), r.base.EscapedPath()); !ok || location == "" || etag == "" {
			err = fmt.Errorf("its Location is %q and its ETag %q", a.header.Get("Location"), etag)
		}
		return err
	})
	it := list + "/" + s.id
	s.do(ctx, "repeats its answer to a repeated create", write, post, instance("Smoke", 1), "201", same("Smoke", 1))
	s.do(ctx, "rejects a second one with the code", write, "POST "+list, instance("Smoke", 1), "400")
	s.do(ctx, "gets it where Location says", read, "GET "+location, nil, "200", same("Smoke", 1))
	s.do(ctx, "knows that it has not changed", read, "GET "+it+" If-None-Match: "+etag, nil, "304")
	s.do(ctx, "finds it by its code", read, "GET "+list+"?instanceCode="+r.tag, nil, "200", listsOnly(object{"instanceId": json.Number(s.id)}))
	s.do(ctx, "replaces it", write, "PUT "+it, instance("Replaced", 2), "200", same("Replaced", 2))
	s.do(ctx, "patches it", write, "PATCH "+it, object{"environments": []int{3}}, "200", same("Replaced", 2, 3))
	s.do(ctx, "rejects a patch of what has changed meanwhile", write, "PATCH "+it+" If-Match: "+etag, object{"description": "late"}, "412")
	s.do(ctx, "deletes it", write, "DELETE "+it, nil, "204")
	s.do(ctx, "no longer has it", read, "GET "+it, nil, "404")
}

func (r *runner) testCompute(ctx context.Context) {
	const read, write, list, api = compute.ReadPermission, compute.WritePermission, compute.BasePath + "/", "/api/v1"
	const stopped, started = 1, 2
	s := r.start(suite{
		api: "compute", authorization: "Token " + r.secret,
		idMember: "uuid", remove: "DELETE " + list + "{id}/", gone: "404",
	})
	same := func(name string, status int) check {
		return func(a answer) error { return is(object{"uuid": s.id, "name": name, "status": status})(a) }
	}
	image := object{"image_registry_path": "registry.example.com/smoke"}

	s.do(ctx, "exchanges the key for a token", "", "POST "+api+"/api-token-auth/", object{"username": r.name, "password": r.secret}, "200",
		is(object{"token": r.secret}))
	s.do(ctx, "lists a page", read, "GET "+list+"?limit=1", nil, "200", isList)
	s.do(ctx, "lists the catalogue of GPUs", read, "GET "+api+"/gpus/", nil, "200", isList)
	// The profile of the key decides which status a create and a delete have.
	s.create(ctx, "creates an instance", write, "POST "+list+" Idempotency-Key: "+r.tag, object{"name": r.tag, "ask_price": 0.02},
		"200 or 201", same(r.tag, stopped))
	it := list + s.id + "/"
	s.do(ctx, "gets it", read, "GET "+it, nil, "200", same(r.tag, stopped))
	s.do(ctx, "lists it", read, "GET "+list+"?limit=100", nil, "200", lists(object{"uuid": s.id}))
	s.do(ctx, "replaces it", write, "PUT "+it, object{"name": "Replaced", "ask_price": 0.03}, "200", same("Replaced", stopped))
	s.do(ctx, "patches it", write, "PATCH "+it, object{"name": "Patched"}, "200", same("Patched", stopped))
	s.do(ctx, "starts it", write, "PATCH "+it+"start/", nil, "200", same("Patched", started))
	s.do(ctx, "adds an image", write, "PATCH "+it+"add-image/", image, "200", same("Patched", started))
	s.do(ctx, "lists its images", read, "GET "+api+"/images/?instance="+s.id, nil, "200", listsOnly(object{"registry_path": image["image_registry_path"]}))
	s.do(ctx, "removes the image", write, "PATCH "+it+"delete-image/", image, "200", same("Patched", started))
	s.do(ctx, "answers its poll for jobs", write, "GET "+it+"get-jobs/", nil, "200", isList)
	s.do(ctx, "stops it", write, "PATCH "+it+"stop/", nil, "200", same("Patched", stopped))
	s.do(ctx, "deletes it", write, "DELETE "+it, nil, "200 or 204")
	s.do(ctx, "no longer has it", read, "GET "+it, nil, "404")
}

func (r *runner) testExecution(ctx context.Context) {
	const read, write, api = execution.ReadPermission, execution.WritePermission, execution.BasePath
	s := r.start(suite{
		api: "execution", authorization: "ApiKey " + r.secret,
		// This API answers 400 for an id that it does not have.
		remove: "DELETE " + api + "/delete/" + r.tag, gone: "400",
	})
	instance := func(name string) object {
		return object{"id": r.tag, "idRef": r.tag, "name": name, "mode": "ExecAsync", "user": r.tag, "input": object{"n": 1}}
	}
	first, second := instance("Smoke"), instance("Updated")
	second["otStatus"] = "deployed"
	same := func(name, status string) check { return is(object{"id": r.tag, "name": name, "otStatus": status}) }

	s.do(ctx, "lists a page", read, "GET "+api+"/list?limit=1", nil, "200", isList)
	s.create(ctx, "creates an instance", write, "PUT "+api+"/create Idempotency-Key: "+r.tag, first, "200", same("Smoke", "created"))
	s.do(ctx, "rejects a second one with the id", write, "PUT "+api+"/create", first, "400")
	s.do(ctx, "gets it", read, "GET "+api+"/get/"+r.tag, nil, "200", same("Smoke", "created"))
	s.do(ctx, "updates it", write, "POST "+api+"/update", second, "200", same("Updated", "deployed"))
	s.do(ctx, "finds it by its idRef", read, "GET "+api+"/list?idRef="+r.tag, nil, "200", eventually(listsOnly(object{"id": r.tag})))
	s.do(ctx, "deletes it", write, "DELETE "+api+"/delete/"+r.tag, nil, "200")
	s.do(ctx, "no longer has it", read, "GET "+api+"/get/"+r.tag, nil, "400")
}
