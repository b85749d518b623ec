package execution

import (
	"encoding/json"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// update is a body that replaces an instance. A nil field was not sent: what
// is stored stays.
type update struct {
	id string
	input
	otStatus, dockerID *string
	start              *int64
}

// parseUpdate reads the body of an update.
func parseUpdate(members map[string]json.RawMessage) (update, error) {
	f := httpjson.NewFields(members)
	id := required(f, "id")
	u := update{
		input:    parse(f),
		otStatus: f.String("otStatus", maxText),
		dockerID: f.String("dockerId", maxText),
		start:    f.Integer("start"),
	}
	oneOf(f, "otStatus", u.otStatus, statuses())
	if err := f.Err(); err != nil {
		return update{}, err
	}
	u.id = *id
	return u, nil
}

// replace returns i as the body describes it.
func (u update) replace(i instance.Instance) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	if u.start == nil {
		u.start = a.Start
	}
	if u.dockerID == nil {
		u.dockerID = a.DockerID
	}
	if u.otStatus != nil {
		i.Status = *u.otStatus
	}
	return u.apply(i, i.SubGroup, u.start, u.dockerID)
}
