package topology

import (
	"net/http"
	"strings"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// CreateInstance answers POST: it creates the instance that the body
// describes under a new id, and answers 201 with it and its Location. A
// request with an Idempotency-Key can be repeated.
func CreateInstance(numbers instance.Numberer, instances instance.Creator, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		body, members, err := httpjson.ReadObject(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		in, err := parseInstance(members)
		if err != nil {
			return httpjson.Answer{}, err
		}
		n, err := numbers.NextNumber(r.Context(), Kind())
		if err != nil {
			return httpjson.Answer{}, err
		}
		at := now().UTC().Truncate(time.Millisecond)
		i, err := in.replace(newInstance(n, who.Owner, at))
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, at, "create"), Route: "POST " + BasePath, Members: members, Body: body}
		answer := func(i instance.Instance) (httpjson.Answer, error) {
			answer, err := answerWith(http.StatusCreated, i)
			answer.Location = strings.TrimSuffix(httpjson.PublicPath(r), "/") + "/" + i.ID
			return answer, err
		}
		return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
			return i, instances.Create(r.Context(), i, op.Change, record)
		})
	}
}

// newInstance returns an instance with the number n that holds nothing yet.
func newInstance(n int64, owner string, at time.Time) instance.Instance {
	k := key(n)
	return instance.Instance{
		Kind:        k.Kind,
		Collection:  k.Collection,
		ID:          k.ID,
		Owner:       owner,
		Version:     1,
		Incarnation: instance.NewIncarnation(),
		CreatedAt:   at,
		UpdatedAt:   at,
	}
}
