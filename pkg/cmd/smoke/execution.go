package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"instances/pkg/execution"
)

// executionInstance is what the story looks at.
type executionInstance struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	OTStatus string `json:"otStatus"`
}

func (t *tour) execution() story {
	read, write := execution.ReadPermission, execution.WritePermission
	to := func(method, path, body string) func() request {
		return func() request {
			return request{method: method, path: execution.BasePath + path, body: body, credentials: t.apiKey}
		}
	}
	remove := to("DELETE", "/delete/"+t.tag, "")
	made := &leftover{
		what: "execution instance",
		// This API answers that to an id that is not there.
		gone:   []int{http.StatusBadRequest},
		locate: func(answer) (request, error) { return remove(), nil },
	}
	// is checks an instance that is answered.
	is := func(name, status string) func(answer) error {
		return func(a answer) error {
			var i executionInstance
			if err := a.decode(&i); err != nil {
				return err
			}
			return errors.Join(same("id", i.ID, t.tag), same("name", i.Name, name), same("otStatus", i.OTStatus, status))
		}
	}
	members := map[string]any{"id": t.tag, "idRef": t.tag, "name": "Smoke", "mode": "ExecAsync", "user": t.tag, "input": map[string]int{"n": 1}}
	first := object(members)
	members["name"], members["otStatus"] = "Updated", "deployed"
	second := object(members)
	ok := []int{http.StatusOK}

	return story{"execution", []step{
		{
			what: "lists a page", needs: []string{read}, request: to("GET", "/list?limit=1", ""),
			statuses: ok, check: func(a answer) error { return a.decode(new([]executionInstance)) },
		},
		{
			what: "creates an instance", needs: []string{write}, statuses: ok, check: is("Smoke", "created"), makes: made,
			request: func() request {
				r := to("PUT", "/create", first)()
				r.header = map[string]string{"Idempotency-Key": t.tag}
				return r
			},
		},
		{
			what: "refuses a second one with the id", needs: []string{write}, request: to("PUT", "/create", first),
			statuses: []int{http.StatusBadRequest},
		},
		{
			what: "gets it", needs: []string{read, write}, request: to("GET", "/get/"+t.tag, ""), statuses: ok, check: is("Smoke", "created"),
		},
		{
			what: "updates it", needs: []string{write}, request: to("POST", "/update", second), statuses: ok, check: is("Updated", "deployed"),
		},
		{
			what: "finds it by its idRef", needs: []string{read, write}, lags: true, statuses: ok,
			request: to("GET", "/list?idRef="+url.QueryEscape(t.tag), ""),
			check: func(a answer) error {
				var found []executionInstance
				if err := a.decode(&found); err != nil {
					return err
				}
				if len(found) != 1 || found[0].ID != t.tag {
					return fmt.Errorf("it found %v", found)
				}
				return nil
			},
		},
		{
			what: "deletes it", needs: []string{write}, request: remove, statuses: ok, removes: made,
		},
		{
			what: "no longer has it", needs: []string{read, write}, request: to("GET", "/get/"+t.tag, ""),
			statuses: []int{http.StatusBadRequest},
		},
	}}
}
