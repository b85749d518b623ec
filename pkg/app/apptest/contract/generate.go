package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Body returns a body in JSON for an operation, made from its schema: most of it
// is valid, and some is close to that or nothing like it.
func (d *Document) Body(r *rand.Rand, method, path string) string {
	o, _, _ := d.find(method, path)
	schema := d.follow(o.node.child("requestBody")).child("content").child(jsonType).child("schema")
	// What is drawn comes from JSON, or has a JSON form.
	text, _ := json.Marshal(generator{d, r}.value(schema))
	return string(text)
}

// generator draws values for schemas of a document.
type generator struct {
	*Document
	r *rand.Rand
}

// oneIn reports true once in n times.
func (g generator) oneIn(n int) bool { return g.r.IntN(n) == 0 }

// pick draws an entry of a list.
func pick[T any](g generator, list []T) T { return list[g.r.IntN(len(list))] }

// value draws a value for schemas that all hold.
func (g generator) value(schemas ...node) any {
	if g.oneIn(40) {
		return pick(g, wildValues())
	}
	var parts []node
	for _, schema := range schemas {
		parts = g.parts(schema, parts)
	}
	var types []string
	for _, part := range parts {
		if v, ok := part.object["const"]; ok {
			return v
		}
		if list, ok := part.object["enum"].([]any); ok {
			return pick(g, list)
		}
		switch named := typesOf(part); {
		case types == nil:
			types = named
		case named != nil:
			types = slices.DeleteFunc(slices.Clone(types), func(name string) bool { return !slices.Contains(named, name) })
		}
	}
	if len(types) == 0 {
		types = []string{"object"}
	}
	switch pick(g, types) {
	case "null":
		return nil
	case "boolean":
		return g.oneIn(2)
	case "integer":
		// Of any size.
		return int64(g.r.Uint64()) >> g.r.IntN(64)
	case "number":
		return g.r.ExpFloat64()
	case "string":
		return g.text(parts)
	case "array":
		var items []node
		for _, part := range parts {
			if entry := part.child("items"); entry.there() {
				items = append(items, entry)
			}
		}
		entries := []any{}
		for range g.r.IntN(3) {
			entries = append(entries, g.value(items...))
		}
		return entries
	default:
		return g.object(parts)
	}
}

// parts returns the schemas that a value has to satisfy: those that the schema
// refers to, and of alternatives one.
func (g generator) parts(schema node, parts []node) []node {
	if target := g.follow(schema); target.at != schema.at {
		parts = g.parts(target, parts)
	}
	for _, part := range g.list(schema, "allOf") {
		parts = g.parts(part, parts)
	}
	parts = append(parts, schema)
	for _, name := range []string{"oneOf", "anyOf"} {
		if alternatives := g.list(schema, name); len(alternatives) > 0 {
			parts = g.parts(pick(g, alternatives), parts)
		}
	}
	return parts
}

// object draws an object with the properties of the parts.
func (g generator) object(parts []node) any {
	properties, required := map[string][]node{}, map[string]bool{}
	for _, part := range parts {
		for name, property := range part.child("properties").children() {
			properties[name] = append(properties[name], property)
		}
		names, _ := part.object["required"].([]any)
		for _, name := range names {
			required[fmt.Sprint(name)] = true
		}
	}
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if required[name] && !g.oneIn(40) || g.oneIn(3) {
			object[name] = g.value(properties[name]...)
		}
	}
	return object
}

// text draws a string, of about the lengths that the parts allow.
func (g generator) text(parts []node) string {
	for _, part := range parts {
		if examples, ok := part.object["examples"].([]any); ok && g.oneIn(4) {
			if s, ok := pick(g, examples).(string); ok {
				return s
			}
		}
		if limit, ok := part.object["maxLength"].(json.Number); ok && g.oneIn(20) {
			n, _ := limit.Int64()
			return strings.Repeat("é", int(n)+g.r.IntN(3)-1)
		}
	}
	letters := []rune("abcdefghijklmnopqrstuvwxyz0123456789")
	if g.oneIn(10) {
		letters = []rune("aé𝄞 \x00\n\x7f\u0085\u00a0\u00ad\u200b\u2028\u3000\ufeff\ufffd\U000e0001\"\\<&>")
	}
	drawn := make([]rune, g.r.IntN(10))
	for i := range drawn {
		drawn[i] = pick(g, letters)
	}
	return string(drawn)
}

// typesOf returns the types that a schema names.
func typesOf(schema node) []string {
	switch types := schema.object["type"].(type) {
	case string:
		return []string{types}
	case []any:
		names := make([]string, 0, len(types))
		for _, name := range types {
			names = append(names, fmt.Sprint(name))
		}
		return names
	}
	return nil
}

// wildValues are values that few schemas allow.
func wildValues() []any {
	return []any{
		nil, true, false, "", " ", "x", "1", "true", "null", "\x00", "\u00a0", "a\u200bb", "a b", strings.Repeat("x", 5000),
		json.Number("0"), json.Number("-1"), json.Number("1.0"), json.Number("1e3"), json.Number("1.5"), json.Number("1e-3"),
		json.Number("9223372036854775807"), json.Number("9223372036854775808"), json.Number("-9223372036854775809"), json.Number("1e400"),
		[]any{},
		[]any{nil},
		[]any{"x"},
		[]any{json.Number("1"), json.Number("1")},
		map[string]any{},
		map[string]any{"x": nil},
	}
}
