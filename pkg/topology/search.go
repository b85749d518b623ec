package topology

import (
	"iter"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// SearchInstances answers GET with the instances that match all of the
// parameters instanceCode, instanceName, groupCode and subGroupCode, in
// ascending order of their ids. limit and cursor read them in pages.
func SearchInstances(instances instance.Searcher) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		given, paging, err := httpjson.ListParameters(r,
			"instanceCode", "instanceName", "groupCode", "subGroupCode")
		if err != nil {
			return httpjson.Answer{}, err
		}
		list := httpjson.List[instance.Query, instance.Instance]{
			Query: instance.Query{
				Kind:     Kind(),
				Code:     given["instanceCode"],
				Name:     given["instanceName"],
				Group:    given["groupCode"],
				SubGroup: given["subGroupCode"],
			},
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
