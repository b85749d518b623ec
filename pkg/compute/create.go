package compute

import (
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
func CreateInstance(instances instance.Creator, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		whole, err := readWhole(r, gpus)
		if err != nil {
			return httpjson.Answer{}, err
		}
		at := s.Now().UTC().Truncate(time.Millisecond)
		i, err := whole.replace(newInstance(who.Owner, at), attributes{})
		if err != nil {
			return httpjson.Answer{}, err
		}
		answer, err := s.answerWritten(profileOf(who).created, i)
		if err != nil {
			return httpjson.Answer{}, err
		}
		answer.Location = strings.TrimSuffix(httpjson.PublicPath(r), "/") + "/" + i.ID + "/"
		operation := httpjson.Operation{Owner: who.Owner, Route: "POST " + BasePath, Body: whole.body, Now: at}
		return httpjson.Once(r, operation, answer, func(record *instance.Idempotency) error {
			return instances.Create(r.Context(), i, httpjson.Change(r, who, at, "create"), record)
		})
	}
}

// whole is a body that describes a whole instance.
type whole struct {
	body []byte
	form form
	input
	gpu GPU
}

// readWhole reads a body that describes a whole instance.
func readWhole(r *http.Request, gpus instance.DocumentReader) (whole, error) {
	body, members, err := httpjson.ReadForm(r)
	if err != nil {
		return whole{}, err
	}
	w := whole{body: body, form: newForm(members)}
	w.form.require("name", "ask_price")
	w.input = parse(w.form)
	w.gpu, err = w.findGPU(r.Context(), w.form, gpus)
	if err != nil {
		return whole{}, err
	}
	return w, w.form.Err()
}

// replace returns i with everything as the body says.
func (w whole) replace(i instance.Instance, a attributes) (instance.Instance, error) {
	return w.input.replace(w.form, i, a, w.gpu)
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
	}
}

// answerWritten returns the answer to a write of i.
func (s Settings) answerWritten(status int, i instance.Instance) (httpjson.Answer, error) {
	body, err := s.encodeWritten(i, s.Now())
	if err != nil {
		return httpjson.Answer{}, err
	}
	answer, err := httpjson.NewAnswer(status, body)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}
