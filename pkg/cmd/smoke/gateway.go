package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// basic, token and apiKey are the credentials as each API names them.
func (t *tour) basic(r *http.Request)  { r.SetBasicAuth(t.name, t.secret) }
func (t *tour) token(r *http.Request)  { r.Header.Set("Authorization", "Token "+t.secret) }
func (t *tour) apiKey(r *http.Request) { r.Header.Set("Authorization", "ApiKey "+t.secret) }

// gateway is what needs no permission: what API Gateway answers by itself, and
// what functions answer to strangers.
func (t *tour) gateway() story {
	to := func(method, path string) func() request {
		return func() request { return request{method: method, path: path} }
	}
	body := func(member, want string) func(answer) error {
		return func(a answer) error {
			var members map[string]any
			if err := a.decode(&members); err != nil {
				return err
			}
			return same(member, fmt.Sprint(members[member]), want)
		}
	}
	return story{"gateway", []step{
		{
			what: "asks for credentials", request: to("GET", topology.BasePath), statuses: []int{http.StatusUnauthorized},
			check: func(a answer) error { return a.has("X-Amzn-Remapped-Www-Authenticate", `Basic realm="instances"`) },
		},
		{
			what: "refuses wrong credentials", statuses: []int{http.StatusUnauthorized},
			request: func() request {
				return request{method: "GET", path: topology.BasePath, credentials: func(r *http.Request) { r.SetBasicAuth(t.name, t.tag) }}
			},
			check: body("detail", "Valid credentials are required."),
		},
		{
			what: "refuses strangers as the compute API does", request: to("GET", compute.BasePath+"/"),
			statuses: []int{http.StatusUnauthorized}, check: body("detail", "Invalid token."),
		},
		{
			what: "answers 404 for an unknown path", request: to("GET", execution.BasePath+"/"+t.tag),
			statuses: []int{http.StatusNotFound}, check: body("message", "Not found"),
		},
		{
			what: "answers 405 for an unknown method", request: to("POST", execution.BasePath+"/list"), statuses: []int{http.StatusMethodNotAllowed},
			check: func(a answer) error { return a.has("Allow", "GET, OPTIONS") },
		},
		{
			what: "answers the preflight of a page", request: to("OPTIONS", topology.BasePath), statuses: []int{http.StatusNoContent},
			check: func(a answer) error {
				if !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH") {
					return errors.New("it does not allow PATCH")
				}
				return nil
			},
		},
	}}
}
