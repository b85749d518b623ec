package main

import (
	"encoding/json"
	"testing"
)

// decode reads an item as the protocol has it.
func decode(t *testing.T, text string) item {
	t.Helper()
	var i item
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestSize(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		item string
		want int
	}{
		{`null`, 0},
		{`{}`, 0},
		{`{"pk":{"S":"abc"}}`, 5},
		{`{"pk":{"S":"…"}}`, 5},
		{`{"a":{"BOOL":true},"b":{"NULL":true}}`, 4},
		{`{"a":{"B":"AAAA"}}`, 4},
		{`{"a":{"SS":["ab","c"]},"b":{"NS":["1","22"]},"c":{"BS":["AAAA"]}}`, 4 + 5 + 4},
		{`{"a":{"L":[]}}`, 4},
		{`{"a":{"L":[{"S":"ab"},{"N":"1"}]}}`, 1 + 3 + 2 + 2 + 2},
		{`{"a":{"M":{"k":{"S":"ab"}}}}`, 1 + 3 + 1 + 1 + 2},
		// Numbers: two digits a byte, and one byte more.
		{`{"a":{"N":"0"}}`, 2},
		{`{"a":{"N":"7"}}`, 3},
		{`{"a":{"N":"-77"}}`, 3},
		{`{"a":{"N":"777"}}`, 4},
		{`{"a":{"N":"700"}}`, 3},
		{`{"a":{"N":"1740218740123"}}`, 9},
		{`{"a":{"N":"0.0000001"}}`, 3},
		{`{"a":{"N":"12.345"}}`, 1 + 1 + 1 + 2},
	} {
		if got, err := decode(t, x.item).size(); err != nil || got != x.want {
			t.Errorf("%s: %d, %v, want %d", x.item, got, err, x.want)
		}
	}
	for _, text := range []string{
		`{"a":{}}`, `{"a":{"S":"a","N":"1"}}`, `{"a":{"X":"a"}}`, `{"a":{"S":1}}`, `{"a":{"SS":"a"}}`, `{"a":{"L":{}}}`,
		`{"a":{"M":[]}}`, `{"a":{"B":"?"}}`, `{"a":{"N":"1E9"}}`, `{"a":{"L":[{}]}}`, `{"a":{"M":{"b":{}}}}`, `{"a":{"BS":["?"]}}`,
	} {
		if got, err := decode(t, text).size(); err == nil {
			t.Errorf("%s: %d, want an error", text, got)
		}
	}
}
