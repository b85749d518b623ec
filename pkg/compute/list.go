package compute

import (
	"iter"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// ListInstances answers GET with the instances of the key's owner, newest
// first. limit and cursor read them in pages.
func ListInstances(instances instance.Searcher, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, paging, err := httpjson.ListParameters(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		e, profile := s.encoder(), profileOf(who)
		list := httpjson.List[instance.Query, instance.Instance]{
			Query:  instance.Query{Kind: Kind(), Collections: []string{who.Owner}},
			Paging: paging,
			Encode: func(i instance.Instance) (any, error) { return e.read(i, profile) },
		}
		return list.Answer(r, func(q instance.Query, limit int) iter.Seq2[instance.Instance, error] {
			q.Limit = limit
			return instances.Search(r.Context(), q)
		})
	}
}
