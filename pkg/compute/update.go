package compute

import (
	"context"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// Updater changes instances.
type Updater interface {
	// Update reads the instance, lets modify change it and stores the result,
	// again as often as another write comes between. It returns what is
	// stored then, [instance.ErrNotFound], [instance.ErrTooLarge],
	// [instance.ErrUnavailable] or an error of modify.
	Update(ctx context.Context, key instance.Key, change instance.Change,
		modify func(instance.Instance) (instance.Instance, error)) (instance.Instance, error)
}

// UpdateInstance answers PUT {uuid}/: the instance becomes what the body
// describes. Whether it is started, and its images, are no part of that.
func UpdateInstance(instances Updater, gpus Catalogue, s Settings) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		whole, err := readWhole(r, gpus)
		if err != nil {
			return err
		}
		return s.update(w, r, instances, "replace", func(i instance.Instance) (instance.Instance, error) {
			a, err := decodeAttributes(i)
			if err != nil {
				return instance.Instance{}, err
			}
			return whole.replace(i, a)
		})
	}, fail)
}

// update changes the instance that the path of r names with modify, and
// answers with it. Where If-Match names another state, it fails with 412.
func (s Settings) update(w http.ResponseWriter, r *http.Request, instances Updater, operation string,
	modify func(instance.Instance) (instance.Instance, error),
) error {
	who, err := auth.PrincipalFrom(r.Context())
	if err != nil {
		return err
	}
	key, err := keyOf(r, who)
	if err != nil {
		return err
	}
	i, err := instances.Update(r.Context(), key, httpjson.Change(r, who, s.Now(), operation),
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
	answer, err := s.answerWritten(http.StatusOK, i)
	if err != nil {
		return err
	}
	answer.Write(w)
	return nil
}
