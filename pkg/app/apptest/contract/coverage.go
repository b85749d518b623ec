package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// coverage is which parts of a document occurred.
type coverage struct {
	// documented are all parts, by pointer: operations, parameters, statuses,
	// headers, types of bodies, properties and examples.
	documented map[string]bool

	mu       sync.Mutex
	occurred map[string]bool
}

// add notes that the parts occurred.
func (c *coverage) add(parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.occurred == nil {
		c.occurred = map[string]bool{}
	}
	for _, part := range parts {
		c.occurred[part] = true
	}
}

// Missing returns what the document describes and no exchange had so far:
// operations that were never accepted (or refused for a condition alone), their
// parameters, bodies and the properties in these, and statuses, headers, properties and examples that no
// answer had.
func (d *Document) Missing() []string {
	d.coverage.mu.Lock()
	defer d.coverage.mu.Unlock()
	var missing []string
	for part := range d.coverage.documented {
		if !d.coverage.occurred[part] {
			missing = append(missing, part)
		}
	}
	slices.Sort(missing)
	return missing
}

// Size says how much the document describes.
func (d *Document) Size() string {
	count := func(part string) (n int) {
		for at := range d.coverage.documented {
			tokens := strings.Split(at, "/")
			if len(tokens) > 2 && tokens[len(tokens)-2] == part {
				n++
			}
		}
		return n
	}
	return fmt.Sprintf("%d operations, %d statuses of them, %d headers, %d properties, %d examples",
		len(d.operations), count("responses"), count("headers"), count("properties"), count("examples"))
}

// everything returns all parts of the document that can occur.
func (d *Document) everything() map[string]bool {
	all := map[string]bool{}
	for _, o := range d.operations {
		all[o.node.at] = true
		for _, p := range o.parameters {
			all[p.at] = true
		}
		d.contents(all, d.follow(o.node.child("requestBody")))
		for _, status := range o.node.child("responses").children() {
			all[status.at] = true
			answer := d.follow(status)
			for _, header := range answer.child("headers").children() {
				all[header.at] = true
			}
			if o.method != "HEAD" {
				d.contents(all, answer)
			}
		}
	}
	return all
}

// contents adds the parts of a described body.
func (d *Document) contents(all map[string]bool, body node) {
	for _, media := range body.child("content").children() {
		all[media.at] = true
		for _, example := range media.child("examples").children() {
			all[example.at] = true
		}
		d.properties(all, media.child("schema"))
	}
}

// properties adds the properties that a schema describes.
func (d *Document) properties(all map[string]bool, schema node) {
	for _, name := range []string{"items", "additionalProperties"} {
		if s := schema.child(name); s.there() {
			d.properties(all, s)
		}
	}
	for _, name := range []string{"allOf", "anyOf", "oneOf"} {
		for _, s := range d.list(schema, name) {
			d.properties(all, s)
		}
	}
	for _, property := range schema.child("properties").children() {
		if property.text("type") != "null" && !all[property.at] {
			all[property.at] = true
			d.properties(all, property)
		}
	}
	if target := d.follow(schema); target.at != schema.at {
		d.properties(all, target)
	}
}

// trace adds what a body uses of its description.
func (d *Document) trace(t *trace, media node, value any) {
	t.add(media)
	for _, example := range media.child("examples").children() {
		if Same(d.follow(example).object["value"], value) {
			t.add(example)
		}
	}
	d.traceValue(t, media.child("schema"), value)
}

// Same reports whether two values, as [jsonschema.UnmarshalJSON] returns them,
// are equal. Numbers may be written differently.
func Same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Same)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Same)
	case json.Number:
		b, ok := b.(json.Number)
		x, isNumber := new(big.Rat).SetString(a.String())
		y, isAnother := new(big.Rat).SetString(b.String())
		return ok && isNumber && isAnother && x.Cmp(y) == 0
	}
	return a == b
}

// enoughEntries is how many entries of a list are looked at.
const enoughEntries = 20

// traceValue adds the properties that a value has.
func (d *Document) traceValue(t *trace, schema node, value any) {
	if target := d.follow(schema); target.at != schema.at {
		d.traceValue(t, target, value)
	}
	for _, name := range []string{"allOf", "anyOf", "oneOf"} {
		for _, s := range d.list(schema, name) {
			d.traceValue(t, s, value)
		}
	}
	switch value := value.(type) {
	case []any:
		if items := schema.child("items"); items.there() {
			for _, entry := range value[:min(len(value), enoughEntries)] {
				d.traceValue(t, items, entry)
			}
		}
	case map[string]any:
		for name, property := range schema.child("properties").children() {
			if v, ok := value[name]; ok {
				t.add(property)
				d.traceValue(t, property, v)
			}
		}
		if other := schema.child("additionalProperties"); other.there() {
			for name := range maps.Keys(value) {
				if !schema.child("properties").child(name).there() {
					d.traceValue(t, other, value[name])
				}
			}
		}
	}
}
