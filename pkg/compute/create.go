package compute

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// CreateInstance answers POST: it creates the instance that the body
// describes, of the key's owner. A request with an Idempotency-Key can be
// repeated.
func CreateInstance(instances instance.Creator, requests instance.Repeater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		body, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		at := s.Now().UTC().Truncate(time.Millisecond)
		op := httpjson.Operation{Change: httpjson.Change(r, who, at, "create"), Route: "POST " + BasePath, Members: members, Body: body}
		in, err := parseInstance(r.Context(), members, gpus)
		if err != nil {
			return refuse(r, who, requests, op, err)
		}
		i, err := in.replace(newInstance(who.Owner, at))
		if err != nil {
			return httpjson.Answer{}, err
		}
		e := s.encoder()
		answer := func(i instance.Instance) (httpjson.Answer, error) {
			answer, err := answerWritten(profileOf(who).created, i, e)
			answer.Location = strings.TrimSuffix(httpjson.PublicPath(r), "/") + "/" + i.ID + "/"
			return answer, err
		}
		return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
			return i, instances.Create(r.Context(), i, op.Change, record)
		})
	}
}

// newInstance returns an instance of the owner that holds nothing yet.
func newInstance(owner string, at time.Time) instance.Instance {
	return instance.Instance{
		Kind:        Kind(),
		Collection:  owner,
		ID:          instance.NewTimeID(at),
		Owner:       owner,
		Active:      true,
		Version:     1,
		Incarnation: instance.NewIncarnation(),
		CreatedAt:   at,
		UpdatedAt:   at,
		IdleSince:   at,
		Attributes:  json.RawMessage("{}"),
	}
}
