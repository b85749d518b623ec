package lambdahttp

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzObject compares with encoding/json.
func FuzzObject(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, ` { } `, `[]`, `"a"`, `{"a":[]}`, `{"a":null}`, `{"a":["b","c"],"d":["e"]}`, `{"a":["b"],"a":["c"]}`,
		" {\n\t\"a\" : [ \"b\" , \"c\" ] , \"d\":[ ]\r\n} ", `{"a":[1]}`, `{"a":[null]}`, `{"a":[["b"]]}`, `{"a":{"b":"c"}}`, `{"a":true}`,
		`{"\"":["\\","\"","\\\"","\u00e9\ud800","]","}",",",":","\n"]}`, "{\"\xff\":[\"\xff\"]}", `{"":[""]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var event struct{ O object }
		if err := json.Unmarshal([]byte(`{"O":`+text+`}`), &event); err != nil {
			t.Skip()
		}
		got := map[string][]string{}
		members, err := event.O.members()
		for _, m := range members {
			got[m.name] = append([]string(nil), m.values...)
		}
		var want map[string][]*string
		if wantErr := json.Unmarshal([]byte(event.O), &want); wantErr != nil {
			// encoding/json does not accept single values.
			if err == nil && len(got) == 0 {
				t.Errorf("%s: no error, want %v", text, wantErr)
			}
			return
		}
		for name, values := range want {
			var texts []string
			for _, v := range values {
				if v == nil {
					if err == nil {
						t.Errorf("%s: no error for null in a list", text)
					}
					return
				}
				texts = append(texts, *v)
			}
			if !reflect.DeepEqual(got[name], texts) {
				t.Errorf("%s: %q is %q, want %q", text, name, got[name], texts)
			}
		}
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %q, %v; want %v", text, got, err, want)
		}
	})
}
