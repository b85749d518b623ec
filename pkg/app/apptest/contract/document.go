package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// Document is the description of one API. It is safe for concurrent use.
type Document struct {
	name       string
	root       map[string]any
	operations []*operation
	coverage   coverage

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer
}

// operation is one method of one path.
type operation struct {
	method string
	// path is as the document has it, and segments are its parts.
	path     string
	segments []string
	node     node
	// parameters are those of the operation and of its path.
	parameters []node
}

// String returns the method and the path.
func (o *operation) String() string { return o.method + " " + o.path }

// node is an object of the document, and where it is: a JSON pointer.
type node struct {
	at     string
	object map[string]any
}

// Parse reads a description in OpenAPI 3.1, as YAML, and checks that it is a
// valid one, examples included.
func Parse(name, text string) (*Document, error) {
	spec, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	if !strings.HasPrefix(spec.OpenAPI, "3.1.") {
		return nil, fmt.Errorf("%s: openapi is %s, want 3.1", name, spec.OpenAPI)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", name, err)
	}
	d := &Document{name: name, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	if err := d.read(text); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return d, nil
}

// read reads the text, which is valid.
func (d *Document) read(text string) error {
	var content any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		return err
	}
	asJSON, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if content, err = jsonschema.UnmarshalJSON(bytes.NewReader(asJSON)); err != nil {
		return err
	}
	d.root, _ = content.(map[string]any)
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	d.compiler.RegisterFormat(&jsonschema.Format{Name: "int64", Validate: validateInt64})
	if err := d.compiler.AddResource(d.url(""), content); err != nil {
		return err
	}
	for path, item := range (node{"", d.root}).child("paths").children() {
		for method, n := range item.children() {
			if !slices.Contains(methods(), method) {
				continue
			}
			d.operations = append(d.operations, &operation{
				method: strings.ToUpper(method), path: path, segments: segments(path), node: n,
				parameters: append(d.list(item, "parameters"), d.list(n, "parameters")...),
			})
		}
	}
	slices.SortFunc(d.operations, func(a, b *operation) int {
		return strings.Compare(a.path+" "+a.method, b.path+" "+b.method)
	})
	d.coverage.documented = d.everything()
	return nil
}

// Operations yields the method and the path of each operation.
func (d *Document) Operations() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, o := range d.operations {
			if !yield(o.method, o.path) {
				return
			}
		}
	}
}

// Open reports whether an operation asks for no credentials.
func (d *Document) Open(method, path string) bool {
	o, _, _ := d.find(method, path)
	security, own := o.node.object["security"].([]any)
	return own && len(security) == 0
}

// Examples returns the examples of bodies, by their names.
func (d *Document) Examples() map[string]any {
	examples := map[string]any{}
	for at := range d.coverage.documented {
		if example := d.at(at); strings.Contains(at, "/examples/") {
			examples[at[strings.LastIndex(at, "/")+1:]] = d.follow(example).object["value"]
		}
	}
	return examples
}

// methods are the methods that a path can have, as a document writes them.
func methods() []string {
	return []string{"get", "head", "put", "post", "delete", "options", "patch", "trace"}
}

// segments returns the parts of a path. A slash at the end makes no
// difference, as for the gateway.
func segments(path string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
}

// url returns the address of a schema for the compiler.
func (d *Document) url(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		tokens[i] = url.PathEscape(token)
	}
	return "https://document.invalid/" + d.name + "#" + strings.Join(tokens, "/")
}

// check validates a value, as [jsonschema.UnmarshalJSON] returns it, against a
// schema.
func (d *Document) check(schema node, value any) error {
	compiled, err := d.schema(schema)
	if err != nil {
		return err
	}
	if err := validate(compiled, value); err != nil {
		return fmt.Errorf("%s: %w", schema.at, err)
	}
	return nil
}

// validate validates a value. The validator panics on a number whose exponent
// is too large for it, which is within no bounds.
func validate(schema *jsonschema.Schema, value any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("cannot be validated: %v", v)
		}
	}()
	return schema.Validate(value)
}

// schema returns a compiled schema.
func (d *Document) schema(n node) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[n.at]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(d.url(n.at))
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", n.at, err)
	}
	d.compiled[n.at] = s
	return s, nil
}

// validateInt64 checks the format int64 of a number.
func validateInt64(v any) error {
	number, ok := v.(json.Number)
	if !ok {
		return nil
	}
	if r, ok := new(big.Rat).SetString(number.String()); !ok || !r.IsInt() || !r.Num().IsInt64() {
		return errors.New("not an integer of 64 bits")
	}
	return nil
}

// there reports whether the document has the node.
func (n node) there() bool { return n.object != nil }

// child returns the member of the name, if that is an object.
func (n node) child(name string) node {
	object, _ := n.object[name].(map[string]any)
	return node{n.at + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"), object}
}

// children yields the members that are objects.
func (n node) children() func(yield func(string, node) bool) {
	return func(yield func(string, node) bool) {
		for name := range n.object {
			if c := n.child(name); c.there() && !yield(name, c) {
				return
			}
		}
	}
}

// text returns the member of the name, if that is a string.
func (n node) text(name string) string {
	s, _ := n.object[name].(string)
	return s
}

// yes reports whether the member of the name is true.
func (n node) yes(name string) bool { return n.object[name] == true }

// list returns the entries of the list of the name, references resolved.
func (d *Document) list(n node, name string) []node {
	entries, _ := n.object[name].([]any)
	nodes := make([]node, 0, len(entries))
	for i, entry := range entries {
		object, _ := entry.(map[string]any)
		nodes = append(nodes, d.follow(node{fmt.Sprintf("%s/%s/%d", n.at, name, i), object}))
	}
	return nodes
}

// follow returns what n refers to, or n itself.
func (d *Document) follow(n node) node {
	for {
		ref, ok := n.object["$ref"].(string)
		if !ok {
			return n
		}
		n = d.at(strings.TrimPrefix(ref, "#"))
	}
}

// at returns the node at a JSON pointer.
func (d *Document) at(pointer string) node {
	n := node{"", d.root}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		n = n.child(strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"))
	}
	return n
}

// find returns the operation for a request, and the path parameters as they
// were sent. Where only the path is known, the operation is nil.
func (d *Document) find(method, escapedPath string) (o *operation, parameters map[string]string, known bool) {
	parts := segments(escapedPath)
	for _, candidate := range d.operations {
		found, ok := match(candidate.segments, parts)
		if !ok {
			continue
		}
		known = true
		if candidate.method == method {
			return candidate, found, true
		}
	}
	return nil, nil, known
}

// match compares the parts of a path with those of a template.
func match(template, parts []string) (map[string]string, bool) {
	if len(template) != len(parts) {
		return nil, false
	}
	found := map[string]string{}
	for i, part := range parts {
		if name, ok := strings.CutPrefix(template[i], "{"); ok && part != "" {
			found[strings.TrimSuffix(name, "}")] = part
		} else if template[i] != part {
			return nil, false
		}
	}
	return found, true
}
