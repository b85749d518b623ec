package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"instances/pkg/compute"
)

// computeInstance is what the story looks at.
type computeInstance struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	Status int    `json:"status"`
}

func (t *tour) compute() story {
	read, write := compute.ReadPermission, compute.WritePermission
	made := &leftover{
		what: "compute instance", gone: []int{http.StatusNotFound},
		locate: func(a answer) (request, error) {
			var i computeInstance
			if err := a.decode(&i); err != nil {
				return request{}, err
			}
			if i.UUID == "" {
				return request{}, errors.New("there is no uuid")
			}
			return request{method: "DELETE", path: compute.BasePath + "/" + i.UUID + "/", credentials: t.token}, nil
		},
	}
	var created computeInstance
	// to sends a request to the list, to the instance where the path is empty,
	// or below the instance where it does not start with a slash.
	to := func(method, path string, members map[string]any) func() request {
		return func() request {
			r := request{method: method, path: path, credentials: t.token}
			if path == "" || path[0] != '/' {
				r.path = made.remove.path + path
			}
			if members != nil {
				r.body = object(members)
			}
			return r
		}
	}
	// is checks an instance that is answered.
	is := func(name string, status int) func(answer) error {
		return func(a answer) error {
			var i computeInstance
			if err := a.decode(&i); err != nil {
				return err
			}
			return errors.Join(same("uuid", i.UUID, created.UUID), same("name", i.Name, name), same("status", i.Status, status))
		}
	}
	const image = "registry.example.com/smoke"
	list := compute.BasePath + "/"
	ok := []int{http.StatusOK}
	stopped, started := 1, 2

	return story{"compute", []step{
		{
			what: "gives the token for the key",
			request: func() request {
				return request{method: "POST", path: "/api/v1/api-token-auth/", body: object(map[string]any{"username": t.name, "password": t.secret})}
			},
			statuses: ok, check: func(a answer) error {
				var got struct{ Token string }
				if err := a.decode(&got); err != nil {
					return err
				}
				return same("whether the token is the secret", got.Token == t.secret, true)
			},
		},
		{
			what: "lists a page", needs: []string{read}, request: to("GET", list+"?limit=1", nil),
			statuses: ok, check: func(a answer) error { return a.decode(new([]computeInstance)) },
		},
		{
			what: "lists the catalogue of GPUs", needs: []string{read}, request: to("GET", "/api/v1/gpus/", nil),
			statuses: ok, check: func(a answer) error { return a.decode(new([]any)) },
		},
		{
			what: "creates an instance", needs: []string{write}, makes: made,
			request: func() request {
				r := to("POST", list, map[string]any{"name": t.tag, "ask_price": 0.02})()
				r.header = map[string]string{"Idempotency-Key": t.tag}
				return r
			},
			// The profile of the key decides.
			statuses: []int{http.StatusOK, http.StatusCreated},
			check:    func(a answer) error { return errors.Join(a.decode(&created), is(t.tag, stopped)(a)) },
		},
		{
			what: "gets it", needs: []string{read, write}, request: to("GET", "", nil), statuses: ok, check: is(t.tag, stopped),
		},
		{
			what: "lists it", needs: []string{read, write}, request: to("GET", list+"?limit=100", nil), statuses: ok,
			check: func(a answer) error {
				var all []computeInstance
				if err := a.decode(&all); err != nil {
					return err
				}
				if !slices.ContainsFunc(all, func(i computeInstance) bool { return i.UUID == created.UUID }) {
					return errors.New("it is not among the newest 100")
				}
				return nil
			},
		},
		{
			what: "replaces it", needs: []string{write}, request: to("PUT", "", map[string]any{"name": "Replaced", "ask_price": 0.03}),
			statuses: ok, check: is("Replaced", stopped),
		},
		{
			what: "patches it", needs: []string{write}, request: to("PATCH", "", map[string]any{"name": "Patched"}),
			statuses: ok, check: is("Patched", stopped),
		},
		{
			what: "starts it", needs: []string{write}, request: to("PATCH", "start/", nil), statuses: ok, check: is("Patched", started),
		},
		{
			what: "adds an image", needs: []string{write}, request: to("PATCH", "add-image/", map[string]any{"image_registry_path": image}),
			statuses: ok, check: is("Patched", started),
		},
		{
			what: "lists its images", needs: []string{read, write}, statuses: ok,
			request: func() request { return to("GET", "/api/v1/images/?instance="+created.UUID, nil)() },
			check: func(a answer) error {
				var images []struct {
					RegistryPath string `json:"registry_path"`
				}
				if err := a.decode(&images); err != nil {
					return err
				}
				if len(images) != 1 || images[0].RegistryPath != image {
					return fmt.Errorf("they are %v", images)
				}
				return nil
			},
		},
		{
			what: "removes the image", needs: []string{write}, request: to("PATCH", "delete-image/", map[string]any{"image_registry_path": image}),
			statuses: ok, check: is("Patched", started),
		},
		{
			what: "answers its poll for jobs", needs: []string{write}, request: to("GET", "get-jobs/", nil),
			statuses: ok, check: func(a answer) error { return a.decode(new([]any)) },
		},
		{
			what: "stops it", needs: []string{write}, request: to("PATCH", "stop/", nil), statuses: ok, check: is("Patched", stopped),
		},
		{
			what: "deletes it", needs: []string{write}, request: to("DELETE", "", nil),
			statuses: []int{http.StatusOK, http.StatusNoContent}, removes: made,
		},
		{
			what: "no longer has it", needs: []string{read, write}, request: to("GET", "", nil),
			statuses: []int{http.StatusNotFound},
		},
	}}
}
