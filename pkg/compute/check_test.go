package compute_test

import (
	"encoding/json"
	"strings"
	"testing"

	"instances/pkg/compute"
	"instances/pkg/instance"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name, status, attributes, want string
	}{
		"good":                 {strings.Repeat("ß", 255), "", `{"type":"cpu","askPrice":0.001,"maxNumParallelJobs":2147483647,"downloadedImages":["a"]}`, ""},
		"GPU":                  {"n", "started", `{"type":"gpu","gpu":"u","gpuName":"n","askPrice":1e3,"maxNumParallelJobs":1,"startedAt":1}`, ""},
		"no attributes":        {"n", "", ``, "decode attributes"},
		"nothing in them":      {"n", "", `{}`, `the type ""`},
		"blank name":           {" ", "", `{"type":"cpu","askPrice":1,"maxNumParallelJobs":1}`, "name: is missing or blank"},
		"long name":            {strings.Repeat("n", 256), "", `{"type":"cpu","askPrice":1,"maxNumParallelJobs":1}`, "name: 256 characters"},
		"status":               {"n", "running", `{"type":"cpu","askPrice":1,"maxNumParallelJobs":1}`, `status: "running" is neither`},
		"type":                 {"n", "", `{"type":"tpu","askPrice":1,"maxNumParallelJobs":1}`, `the type "tpu"`},
		"GPU without one":      {"n", "", `{"type":"gpu","askPrice":1,"maxNumParallelJobs":1}`, "has a gpu"},
		"CPU with a GPU":       {"n", "", `{"type":"cpu","gpu":"u","askPrice":1,"maxNumParallelJobs":1}`, "has a gpu"},
		"low price":            {"n", "", `{"type":"cpu","askPrice":0.0009,"maxNumParallelJobs":1}`, "askPrice"},
		"no price":             {"n", "", `{"type":"cpu","maxNumParallelJobs":1}`, "askPrice"},
		"large price":          {"n", "", `{"type":"cpu","askPrice":1e99,"maxNumParallelJobs":1}`, "askPrice"},
		"no jobs":              {"n", "", `{"type":"cpu","askPrice":1}`, "maxNumParallelJobs 0"},
		"many jobs":            {"n", "", `{"type":"cpu","askPrice":1,"maxNumParallelJobs":2147483648}`, "maxNumParallelJobs 2147483648"},
		"many jobs of a GPU":   {"n", "", `{"type":"gpu","gpu":"u","askPrice":1,"maxNumParallelJobs":2}`, "is not 1"},
		"many images":          {"n", "", `{"type":"cpu","askPrice":1,"maxNumParallelJobs":1,"downloadedImages":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`, "more than 1000 images"},
		"attributes of a type": {"n", "", `{"type":1}`, "decode attributes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := instance.Instance{Kind: compute.Kind(), ID: "x", Name: test.name, Status: test.status, Attributes: json.RawMessage(test.attributes)}
			if err := compute.Check(i); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
