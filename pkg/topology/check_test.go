package topology_test

import (
	"encoding/json"
	"strings"
	"testing"

	"instances/pkg/instance"
	"instances/pkg/topology"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	good := instance.Instance{
		Kind: topology.Kind(), ID: "1", Code: strings.Repeat("ß", 100), Group: "g", SubGroup: "s", Name: strings.Repeat("ß", 255),
		Attributes: json.RawMessage(`{"description":"d","environments":[1],"pluginOperations":[{"pluginId":1,"operation":"o"},{"ownerId":1,"propertySetName":"p"}],"isDeploymentTarget":true}`),
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
		"good":                    {good, ""},
		"little":                  {instance.Instance{Kind: topology.Kind(), ID: "1", Name: "n", Attributes: json.RawMessage(`{}`)}, ""},
		"no attributes":           {with(func(i *instance.Instance) { i.Attributes = nil }), "decode attributes"},
		"attributes of a type":    {attributes(`{"workflows":"x"}`), "decode attributes"},
		"blank name":              {with(func(i *instance.Instance) { i.Name = " " }), "name: is missing or blank"},
		"long name":               {with(func(i *instance.Instance) { i.Name += "x" }), "name: 256 characters, and at most 255"},
		"long code":               {with(func(i *instance.Instance) { i.Code += "x" }), "code: 101 characters"},
		"code with a space":       {with(func(i *instance.Instance) { i.Code = "a b" }), "code: contains white space"},
		"long group":              {with(func(i *instance.Instance) { i.Group = strings.Repeat("g", 101) }), "group: 101 characters"},
		"long subgroup":           {with(func(i *instance.Instance) { i.SubGroup = strings.Repeat("g", 101) }), "subGroup: 101 characters"},
		"long description":        {attributes(`{"description":"` + strings.Repeat("d", 4001) + `"}`), "description: 4001 characters"},
		"many entries":            {attributes(`{"environments":[` + strings.Repeat("1,", 1000) + `1]}`), "more than 1000 entries"},
		"half a plugin operation": {attributes(`{"pluginOperations":[{"pluginId":1,"operation":"o"},{"pluginId":1}]}`), "pluginOperations[1] has neither"},
		"two in one":              {attributes(`{"pluginOperations":[{"pluginId":1,"operation":"o","ownerId":1,"propertySetName":"p"}]}`), "pluginOperations[0] has neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := topology.Check(test.i); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
