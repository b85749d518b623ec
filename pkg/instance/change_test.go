package instance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"instances/pkg/instance"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	attributes := func(text string) instance.Instance {
		return instance.Instance{ID: "1", Attributes: json.RawMessage(text)}
	}
	// Values that are one byte apart around the limit, quotes included.
	longest := strings.Repeat("x", instance.MaxHistoryValueBytes-2)
	for _, test := range []struct {
		name          string
		before, after instance.Instance
		want          string
	}{
		{"nothing", instance.Instance{}, instance.Instance{}, ""},
		{
			"a new one",
			instance.Instance{},
			instance.Instance{
				ID: "1", Code: "c", Group: "g", SubGroup: "s", Name: "n", Owner: "o", Status: "st",
				Version: 1, Incarnation: "i", Attributes: json.RawMessage(`{"a":1}`),
			},
			`a::1 active::false code::"c" group::"g" name::"n" owner::"o" status::"st" subGroup::"s"`,
		},
		{"versions are no fields", instance.Instance{ID: "1", Version: 1}, instance.Instance{ID: "1", Version: 2}, ""},
		{"a text", instance.Instance{ID: "1", Name: "old"}, instance.Instance{ID: "1", Name: "new"}, `name:"old":"new"`},
		{"only its case", instance.Instance{ID: "1", Code: "a"}, instance.Instance{ID: "1", Code: "A"}, `code:"a":"A"`},
		{"a text is gone", instance.Instance{ID: "1", Group: "g"}, instance.Instance{ID: "1"}, `group:"g":`},
		{"active", instance.Instance{ID: "1"}, instance.Instance{ID: "1", Active: true}, `active:false:true`},
		{
			"attributes", attributes(`{"z":[1,2],"same":{"a":1},"gone":null}`), attributes(`{"same":{"a":1},"new":"n","z":[1,2,3]}`),
			`gone:null: new::"n" z:[1,2]:[1,2,3]`,
		},
		{"attributes appear", attributes(""), attributes(`{"a":true}`), `a::true`},
		{"attributes that are null", attributes("null"), attributes(`{"a":true}`), `a::true`},
		{"attributes that are no object", attributes("[1]"), attributes(`[2]`), ``},
		{"a field wins over an attribute", attributes(`{"active":7,"name":8}`), instance.Instance{ID: "1", Name: "n", Attributes: json.RawMessage(`{"active":9,"name":10}`)}, `name:8:"n"`},
		{"the longest value", instance.Instance{ID: "1"}, instance.Instance{ID: "1", Name: longest}, `name::"` + longest + `"`},
		{
			// printf '"%s"' "$(head -c 1023 /dev/zero | tr '\0' x)" | sha256sum
			"a longer value",
			instance.Instance{ID: "1", Name: longest + "x"},
			instance.Instance{ID: "1"},
			`name:"sha256:bd752ecad52fb02540c855864234ec6479fba3cb8278ebe0e97b612c6b326600":`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var texts []string
			for _, c := range instance.Diff(test.before, test.after) {
				texts = append(texts, fmt.Sprintf("%s:%s:%s", c.Field, c.Old, c.New))
			}
			if got := strings.Join(texts, " "); got != test.want {
				t.Errorf("changes are\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// The changes are those fields that differ, sorted, each once; read backwards
// they are the changes back.
func TestDiffProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) instance.Instance {
			text := rapid.SampledFrom([]string{"", "a", "b", strings.Repeat("long", 300)})
			values := rapid.MapOf(rapid.SampledFrom([]string{"p", "q", "name"}), rapid.IntRange(0, 2)).Draw(t, label+" attributes")
			attributes, err := json.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			return instance.Instance{
				ID: "1", Code: text.Draw(t, label+" code"), Name: text.Draw(t, label+" name"),
				Status: text.Draw(t, label+" status"), Active: rapid.Bool().Draw(t, label+" active"), Attributes: attributes,
			}
		}
		a, b := draw("a"), draw("b")
		there, back := instance.Diff(a, b), instance.Diff(b, a)
		if len(instance.Diff(a, a)) != 0 {
			t.Fatal("an instance differs from itself")
		}
		if len(there) != len(back) {
			t.Fatalf("%d changes there, %d back", len(there), len(back))
		}
		for n, c := range there {
			if n > 0 && there[n-1].Field >= c.Field {
				t.Fatalf("%s comes after %s", c.Field, there[n-1].Field)
			}
			if bytes.Equal(c.Old, c.New) {
				t.Fatalf("%s did not change", c.Field)
			}
			if c.Field != back[n].Field || !bytes.Equal(c.Old, back[n].New) || !bytes.Equal(c.New, back[n].Old) {
				t.Fatalf("%+v goes back by %+v", c, back[n])
			}
		}
		if changed := slices.ContainsFunc(there, func(c instance.FieldChange) bool { return c.Field == "code" }); changed != (a.Code != b.Code) {
			t.Fatalf("code changed: %v", changed)
		}
	})
}
