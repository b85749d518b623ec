package repository_test

import (
	"testing"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

func TestMatcher(t *testing.T) {
	t.Parallel()
	i := instance.Instance{Code: "Code-1", Group: "Größe", SubGroup: "ΟΔΟΣ", Name: "Straße nach café 7", Status: "Up caf\u00e9"}
	for _, test := range []struct {
		name string
		q    instance.Query
		want bool
	}{
		{"nothing asked", instance.Query{}, true},
		{"code", instance.Query{Code: "CODE-1"}, true},
		{"part of the code", instance.Query{Code: "code"}, false},
		{"group", instance.Query{Group: "GRO\u0308ẞE"}, true},
		{"part of the group", instance.Query{Group: "größ"}, false},
		{"subgroup", instance.Query{SubGroup: "οδος"}, true},
		{"part of the subgroup", instance.Query{SubGroup: "οδο"}, false},
		{"name", instance.Query{Name: "straße NACH café 7"}, true},
		{"start of the name", instance.Query{Name: "STRA"}, true},
		{"middle of the name", instance.Query{Name: "CAFE\u0301"}, true},
		{"end of the name", instance.Query{Name: "7"}, true},
		{"more than the name", instance.Query{Name: "café 77"}, false},
		{"status", instance.Query{Status: "Up caf\u00e9"}, true},
		{"status in another case", instance.Query{Status: "up caf\u00e9"}, false},
		{"status decomposed", instance.Query{Status: "Up cafe\u0301"}, false},
		{"part of the status", instance.Query{Status: "Up"}, false},
		{"all", instance.Query{Code: "code-1", Group: "größe", SubGroup: "οδοσ", Name: "nach", Status: "Up caf\u00e9"}, true},
		{"all but the status", instance.Query{Code: "code-1", Group: "größe", SubGroup: "οδοσ", Name: "nach", Status: "x"}, false},
		{"all but the code", instance.Query{Code: "code-2", Group: "größe", SubGroup: "οδοσ", Name: "nach"}, false},
		{"all but the group", instance.Query{Code: "code-1", Group: "x", SubGroup: "οδοσ", Name: "nach"}, false},
		{"all but the subgroup", instance.Query{Code: "code-1", Group: "größe", SubGroup: "x", Name: "nach"}, false},
		{"all but the name", instance.Query{Code: "code-1", Group: "größe", SubGroup: "οδοσ", Name: "noch"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := repository.NewMatcher(test.q).Match(i); got != test.want {
				t.Errorf("match is %v", got)
			}
		})
	}

	for _, q := range []instance.Query{{Code: "x"}, {Group: "x"}, {SubGroup: "x"}, {Name: "x"}, {Status: "x"}} {
		if repository.NewMatcher(q).Match(instance.Instance{}) {
			t.Errorf("%+v matches an instance without texts", q)
		}
	}
}
