package execution_test

import (
	"encoding/json"
	"strings"
	"testing"

	"instances/pkg/execution"
	"instances/pkg/instance"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	good := instance.Instance{
		Kind: execution.Kind(), ID: "x", Name: "n", Group: strings.Repeat("ß", 255), SubGroup: "u", Status: "created",
		Attributes: json.RawMessage(`{"description":"d","mode":"ExecSync","forceinput":[1],"start":1}`),
	}
	with := func(change func(*instance.Instance)) instance.Instance {
		i := good
		change(&i)
		return i
	}
	attributes := func(text string) instance.Instance {
		return with(func(i *instance.Instance) { i.Attributes = json.RawMessage(text) })
	}
	for name, test := range map[string]struct {
		i    instance.Instance
		want string
	}{
		"good":                 {good, ""},
		"little":               {attributes(`{"mode":"ExecAsync","input":{}}`), ""},
		"no attributes":        {attributes(``), "decode attributes"},
		"attributes of a type": {attributes(`{"mode":1}`), "decode attributes"},
		"no name":              {with(func(i *instance.Instance) { i.Name = "" }), "name: is missing or blank"},
		"blank group":          {with(func(i *instance.Instance) { i.Group = " " }), "group: is missing or blank"},
		"no user":              {with(func(i *instance.Instance) { i.SubGroup = "" }), "subGroup: is missing or blank"},
		"long group":           {with(func(i *instance.Instance) { i.Group += "x" }), "group: 256 characters, and at most 255"},
		"no status":            {with(func(i *instance.Instance) { i.Status = "" }), `status: "" is none of created, pulling`},
		"mode":                 {attributes(`{"mode":"Exec","input":{}}`), `the mode "Exec" is none of`},
		"no input":             {attributes(`{"mode":"ExecAsync"}`), "neither input nor forceinput"},
		"long description":     {attributes(`{"mode":"ExecAsync","input":{},"description":"` + strings.Repeat("d", 4001) + `"}`), "more than 4000 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := execution.Check(test.i); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
