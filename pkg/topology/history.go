package topology

import (
	"iter"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// ListHistory answers GET /{Id}/history with what was done to the instance,
// newest first, also after it was deleted. limit and cursor read it in pages.
func ListHistory(history instance.HistoryReader, instances instance.Getter) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		given, paging, err := httpjson.ListParameters(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		list := httpjson.List[instance.HistoryQuery, instance.Event]{
			Query:      instance.HistoryQuery{Key: key},
			Parameters: given,
			Paging:     paging,
			Encode:     func(e instance.Event) (any, error) { return encodeEvent(e), nil },
		}
		return list.Answer(r, func(q instance.HistoryQuery, limit int) iter.Seq2[instance.Event, error] {
			q.Limit = limit
			events := history.History(r.Context(), q)
			if paging.Cursor != "" {
				// What comes after an event may be nothing.
				return events
			}
			return orElse(events, func() error {
				_, err := instances.Get(r.Context(), key)
				return err
			})
		})
	}
}

// orElse yields the events and, where there is none, the error of empty. So
// an instance whose events have all expired has a history without entries, and
// one that never was has none.
func orElse(events iter.Seq2[instance.Event, error], empty func() error) iter.Seq2[instance.Event, error] {
	return func(yield func(instance.Event, error) bool) {
		for e, err := range events {
			empty = nil
			if !yield(e, err) {
				return
			}
		}
		if empty == nil {
			return
		}
		if err := empty(); err != nil {
			yield(instance.Event{}, err)
		}
	}
}
