package repository_test

import (
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

func TestCheckID(t *testing.T) {
	t.Parallel()
	text := instance.Kind{Name: "named"}
	number := instance.Kind{Name: "numbered", Order: instance.OrderNumber}
	timed := instance.Kind{Name: "timed", Order: instance.OrderTime}
	for _, test := range []struct {
		kind instance.Kind
		id   string
		ok   bool
	}{
		{text, "x", true},
		{text, "", false},
		{number, "1", true},
		{number, "01", false},
		{number, "", false},
		{timed, instance.NewTimeID(time.Now()), true},
		{timed, "x", true},
		{timed, "", false},
	} {
		err := repository.CheckID(instance.Key{Kind: test.kind, Collection: "c", ID: test.id})
		if (err == nil) != test.ok {
			t.Errorf("%s %q: %v", test.kind, test.id, err)
		}
		if err != nil && !strings.Contains(err.Error(), test.kind.Name) {
			t.Errorf("error is %v", err)
		}
	}
}

// Only a walk needs to know the collections.
func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for _, order := range []instance.Order{instance.OrderID, instance.OrderTime, instance.OrderNumber} {
		kind := instance.Kind{Name: "kind", Order: order}
		for _, q := range []instance.Query{{}, {Name: "n"}, {SubGroup: "s"}, {Status: "s"}, {Group: "g", Name: "n"}} {
			q.Kind = kind
			if err := repository.CheckQuery(q); (err == nil) != (order == instance.OrderNumber) {
				t.Errorf("%+v: %v", q, err)
			}
			q.Collections = []string{"c"}
			if err := repository.CheckQuery(q); err != nil {
				t.Errorf("%+v: %v", q, err)
			}
		}
		for _, q := range []instance.Query{
			{Code: "c"},
			{Group: "g"},
			{Group: "g", SubGroup: "s"},
			{Group: "g", Status: "s"},
			{Code: "c", Name: "n"},
			{Code: "c", Status: "s"},
		} {
			q.Kind = kind
			if err := repository.CheckQuery(q); err != nil {
				t.Errorf("%+v: %v", q, err)
			}
		}
	}
}
