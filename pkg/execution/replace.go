package execution

import (
	"encoding/json"
	"slices"
	"time"

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

// replace returns i as the body describes it, from that time on.
func (u update) replace(i instance.Instance, at time.Time) (instance.Instance, error) {
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
	i.IdleSince = idleSince(i, at)
	return u.apply(i, i.SubGroup, u.start, u.dockerID)
}

// idleSince returns since when i has been idle: since it ended, or zero while
// it has not. A time in the future, which a clock that was ahead has left,
// counts as now.
func idleSince(i instance.Instance, at time.Time) time.Time {
	switch {
	case !slices.Contains(ended(), i.Status):
		return time.Time{}
	case i.IdleSince.IsZero() || i.IdleSince.After(at):
		return at.UTC().Truncate(time.Millisecond)
	}
	return i.IdleSince
}
