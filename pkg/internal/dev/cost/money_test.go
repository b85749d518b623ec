package main

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// typical is a row in which everything costs something.
func typical() row {
	return row{
		group: "topology", name: "POST", viaAPI: true, invokes: true, calls: 2, units: units{read: 2, write: 10},
		own: 1, waits: 16, memoryMB: 256, logged: 2000, sent: 1000,
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	// 1 ms with 256 of 1,769 MB is 6.9.
	if got := typical().billed(); got != 23 {
		t.Errorf("billed: %v ms", got)
	}
	// With more memory nothing is faster than here.
	if got := (row{own: 1.5, memoryMB: 4096}).billed(); got != 2 {
		t.Errorf("billed with much memory: %v ms", got)
	}
	got := costOf(listPrices(), typical())
	for name, pair := range map[string][2]float64{
		"api": {got.api, 3.50}, "DynamoDB": {got.dynamoDB, 2*0.125 + 10*0.625}, "logs": {got.logs, 2 * 0.50},
		"Lambda": {got.lambda, 0.20 + 1e6*0.023*0.25*0.0000133334}, "other": {got.other, 5*0.145 + 0.09},
		"total": {got.total(), 3.50 + 6.50 + 1 + 0.20 + 0.0766670500 + 0.725 + 0.09},
	} {
		if !near(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	// What no client asks for.
	part := typical()
	part.viaAPI, part.invokes, part.sent = false, false, 0
	if got := costOf(listPrices(), part); got.api != 0 || got.other != 0 || !near(got.lambda, 0.07666705) {
		t.Errorf("beside the calls: %+v", got)
	}
}

func TestTraced(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]float64{0.1: 1, 1: 1, 2: 0.525, 10: 0.145} {
		if got := traced(rate); !near(got, want) {
			t.Errorf("at %v: %v, want %v", rate, got, want)
		}
	}
}

// Each price is there, says where it is from, and is used.
func TestPrices(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[prices]()
	table := func(p prices) string {
		var b strings.Builder
		r := result{rows: []row{typical()}, stored: stored{600, 2000, 1000}, instances: 10, alarmMetrics: 16}
		if err := writeTable(&b, p, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	usual := table(listPrices())
	for k := range fields.NumField() {
		name := fields.Field(k).Name
		changed := listPrices()
		p := pointers(&changed)[name]
		if p == nil {
			t.Errorf("%s is not in the test's list", name)
			continue
		}
		if p.usd <= 0 || p.what == "" || p.unit == "" || !strings.HasPrefix(p.source, "https://aws.amazon.com/") || !strings.HasPrefix(p.quoted, "https://") {
			t.Errorf("%s is %+v", name, p)
		}
		p.usd *= 10
		if table(changed) == usual {
			t.Errorf("%s is not part of what is printed", name)
		}
	}
}

// pointers are the prices by their names.
func pointers(p *prices) map[string]*price {
	return map[string]*price{
		"apiRequest": &p.apiRequest, "lambdaRequest": &p.lambdaRequest, "lambdaGBSecond": &p.lambdaGBSecond,
		"readUnit": &p.readUnit, "writeUnit": &p.writeUnit, "logGB": &p.logGB, "trace": &p.trace, "outGB": &p.outGB,
		"tableGB": &p.tableGB, "backupGB": &p.backupGB, "alarmMetric": &p.alarmMetric, "dashboard": &p.dashboard, "routeMetric": &p.routeMetric,
	}
}
