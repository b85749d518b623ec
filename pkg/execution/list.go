package execution

import (
	"iter"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// ListInstances answers GET /instances/list with the instances that match all
// of the parameters idRef, user and status. limit and cursor read them in
// pages.
func ListInstances(instances instance.Searcher) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		given, paging, err := httpjson.ListParameters(r, "idRef", "user", "status")
		if err != nil {
			return httpjson.Answer{}, err
		}
		q := instance.Query{Kind: Kind(), Group: given["idRef"], SubGroup: given["user"], Status: given["status"]}
		if q.Group == "" {
			// An idRef has one index partition, in the order of the others.
			q.Collections = collections()
		}
		list := httpjson.List[instance.Query, instance.Instance]{
			Query:      q,
			Parameters: given,
			Paging:     paging,
			Encode:     func(i instance.Instance) (any, error) { return encode(i) },
		}
		return list.Answer(r, func(q instance.Query, limit int) iter.Seq2[instance.Instance, error] {
			q.Limit = limit
			return instances.Search(r.Context(), q)
		})
	}
}
