package topology

import (
	"context"
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// Updater changes instances.
type Updater interface {
	// Update reads the instance, lets modify change it and stores the result,
	// again as often as another write comes between. It returns what is
	// stored then, [instance.ErrNotFound], [instance.ErrCodeTaken],
	// [instance.ErrTooLarge], [instance.ErrUnavailable] or an error of modify.
	Update(ctx context.Context, key instance.Key, change instance.Change,
		modify func(instance.Instance) (instance.Instance, error)) (instance.Instance, error)
}

// UpdateInstance answers PUT /{Id}: the instance becomes what the body
// describes. Where If-Match names another state, it answers 412.
func UpdateInstance(instances Updater, now func() time.Time) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		key, err := keyOf(r)
		if err != nil {
			return err
		}
		_, in, err := readWhole(r)
		if err != nil {
			return err
		}
		return update(w, r, instances, key, now(), "replace", in.replace)
	}, fail)
}

// update changes an instance with modify and answers with it.
func update(w http.ResponseWriter, r *http.Request, instances Updater, key instance.Key, at time.Time,
	operation string, modify func(instance.Instance) (instance.Instance, error),
) error {
	who, err := auth.PrincipalFrom(r.Context())
	if err != nil {
		return err
	}
	i, err := instances.Update(r.Context(), key, httpjson.Change(r, who, at, operation),
		func(i instance.Instance) (instance.Instance, error) {
			// Checked against each state that is read: a lost race is 412 too.
			if err := httpjson.CheckIfMatch(r, httpjson.ETag(i.Revision())); err != nil {
				return instance.Instance{}, err
			}
			return modify(i)
		})
	if err != nil {
		return err
	}
	return writeInstance(w, i)
}
