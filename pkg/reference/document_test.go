package reference

import "testing"

func TestToJSON(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"b: 1\na: 2":                           `{"b":1,"a":2}`,
		"200: {1.0: x}":                        `{"200":{"1.0":"x"}}`,
		"[1, 0.020, 1e3, -2, true, null, ~, ]": `[1,0.020,1e3,-2,true,null,null]`,
		"['1', \"true\", no-text, 2025-01-02]": `["1","true","no-text","2025-01-02"]`,
		"a: &x {b: [c]}\nd: *x":                `{"a":{"b":["c"]},"d":{"b":["c"]}}`,
		"a: |\n  one \"two\"\n  <three>\n":     `{"a":"one \"two\"\n\u003cthree\u003e\n"}`,
		"{}":                                   `{}`,
	} {
		if got, err := toJSON(written); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", written, got, err, want)
		}
	}
	for _, written := range []string{"a: [", "a: 0x1F", "a: .inf", "a: True", "a: &x {b: 1}\nc:\n  <<: *x\n"} {
		if got, err := toJSON(written); err == nil {
			t.Errorf("%q is %s", written, got)
		}
	}
}
