package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"instances/pkg/topology"
)

// topologyInstance is what the story looks at.
type topologyInstance struct {
	InstanceID   int64   `json:"instanceId"`
	InstanceName string  `json:"instanceName"`
	InstanceCode string  `json:"instanceCode"`
	Environments []int64 `json:"environments"`
}

func (t *tour) topology() story {
	read, write := topology.ReadPermission, topology.WritePermission
	made := &leftover{
		what: "topology instance", gone: []int{http.StatusNotFound},
		locate: func(a answer) (request, error) {
			var i topologyInstance
			if err := a.decode(&i); err != nil {
				return request{}, err
			}
			if i.InstanceID <= 0 {
				return request{}, errors.New("there is no instanceId")
			}
			path := topology.BasePath + "/" + strconv.FormatInt(i.InstanceID, 10)
			return request{method: "DELETE", path: path, credentials: t.basic}, nil
		},
	}
	var location, etag string
	var created topologyInstance
	to := func(method string, r request) func() request {
		r.method, r.credentials = method, t.basic
		return func() request {
			if r.path == "" {
				r.path = made.remove.path
			}
			return r
		}
	}
	// is checks an instance that is answered.
	is := func(name string, environments ...int64) func(answer) error {
		return func(a answer) error {
			var i topologyInstance
			if err := a.decode(&i); err != nil {
				return err
			}
			if !slices.Equal(i.Environments, environments) {
				return fmt.Errorf("environments are %v, not %v", i.Environments, environments)
			}
			return errors.Join(same("instanceId", i.InstanceID, created.InstanceID), same("instanceName", i.InstanceName, name))
		}
	}
	first := object(map[string]any{"instanceName": "Smoke", "instanceCode": t.tag, "environments": []int{1}})
	list := topology.BasePath
	create := to("POST", request{path: list, body: first, header: map[string]string{"Idempotency-Key": t.tag}})

	return story{"topology", []step{
		{
			what: "lists a page", needs: []string{read}, request: to("GET", request{path: list + "?limit=1"}),
			statuses: []int{http.StatusOK}, check: func(a answer) error { return a.decode(new([]topologyInstance)) },
		},
		{
			what: "creates an instance", needs: []string{write}, request: create, statuses: []int{http.StatusCreated}, makes: made,
			check: func(a answer) error {
				location, etag = a.header.Get("Location"), a.header.Get("ETag")
				if location == "" || etag == "" {
					return fmt.Errorf("its Location is %q and its ETag %q", location, etag)
				}
				return errors.Join(a.decode(&created), is("Smoke", 1)(a))
			},
		},
		{
			what: "answers a repeated create again", needs: []string{write}, request: create,
			statuses: []int{http.StatusCreated}, check: is("Smoke", 1),
		},
		{
			what: "refuses a second one with the code", needs: []string{write},
			request: to("POST", request{path: list, body: first}), statuses: []int{http.StatusBadRequest},
		},
		{
			what: "gets it where Location says", needs: []string{read, write}, statuses: []int{http.StatusOK}, check: is("Smoke", 1),
			request: func() request {
				return request{method: "GET", path: location, whole: true, credentials: t.basic}
			},
		},
		{
			what: "knows that it has not changed", needs: []string{read, write}, statuses: []int{http.StatusNotModified},
			request: func() request {
				return to("GET", request{header: map[string]string{"If-None-Match": etag}})()
			},
		},
		{
			what: "finds it by its code", needs: []string{read, write}, statuses: []int{http.StatusOK},
			request: to("GET", request{path: list + "?instanceCode=" + url.QueryEscape(t.tag)}),
			check: func(a answer) error {
				var found []topologyInstance
				if err := a.decode(&found); err != nil {
					return err
				}
				if len(found) != 1 || found[0].InstanceID != created.InstanceID {
					return fmt.Errorf("it found %v", found)
				}
				return nil
			},
		},
		{
			what: "replaces it", needs: []string{write}, statuses: []int{http.StatusOK}, check: is("Replaced", 2),
			request: to("PUT", request{body: object(map[string]any{
				"instanceName": "Replaced", "instanceCode": t.tag, "environments": []int{2},
			})}),
		},
		{
			what: "patches it", needs: []string{write}, statuses: []int{http.StatusOK}, check: is("Replaced", 2, 3),
			request: to("PATCH", request{body: object(map[string]any{"environments": []int{3}})}),
		},
		{
			what: "refuses to patch what was changed meanwhile", needs: []string{write}, statuses: []int{http.StatusPreconditionFailed},
			request: func() request {
				return to("PATCH", request{body: `{"description":"late"}`, header: map[string]string{"If-Match": etag}})()
			},
		},
		{
			what: "deletes it", needs: []string{write}, request: to("DELETE", request{}),
			statuses: []int{http.StatusNoContent}, removes: made,
		},
		{
			what: "no longer has it", needs: []string{read, write}, request: to("GET", request{}),
			statuses: []int{http.StatusNotFound},
		},
	}}
}
