package execution

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// CreateInstance answers PUT /instances/create: it creates the instance that
// the body describes, under the id in it or a random one. A request with an
// Idempotency-Key can be repeated.
func CreateInstance(instances instance.Creator, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		body, members, err := httpjson.ReadObject(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		f := httpjson.NewFields(members)
		id := newInstanceID(f)
		in := parse(f)
		if err := f.Err(); err != nil {
			return httpjson.Answer{}, err
		}
		at := now().UTC().Truncate(time.Millisecond)
		i, err := newInstance(id, who.Owner, at)
		if err != nil {
			return httpjson.Answer{}, err
		}
		if i, err = in.apply(i, who.Owner, nil, nil); err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{
			Change: httpjson.Change(r, who, at, "create"), Route: "PUT " + BasePath + "/create", Members: members, Body: body,
		}
		return httpjson.Once(r, op, answerWith, func(record *instance.Idempotency) (instance.Instance, error) {
			return i, instances.Create(r.Context(), i, op.Change, record)
		})
	}
}

// newInstance returns an instance of the id that holds nothing yet.
func newInstance(id, owner string, at time.Time) (instance.Instance, error) {
	key, err := Key(id)
	if err != nil {
		return instance.Instance{}, err
	}
	return instance.Instance{
		Kind:        key.Kind,
		Collection:  key.Collection,
		ID:          key.ID,
		Owner:       owner,
		Status:      created,
		Active:      true,
		Version:     1,
		Incarnation: instance.NewIncarnation(),
		CreatedAt:   at,
		UpdatedAt:   at,
	}, nil
}
