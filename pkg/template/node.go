package template

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a template being read. Reading continues after an error, with zero
// values, to report all errors at once.
type document struct {
	given      map[string]string
	parameters node
	conditions node
	globals    node
	resources  node
	// decided are the conditions whose truth is known.
	decided map[string]bool
	// mocks are those that have been read.
	mocks map[*yaml.Node]*Mock
	errs  []error
}

// node is a place in the document. Its yaml is nil where there is nothing.
type node struct {
	yaml *yaml.Node
	path string
	d    *document
}

type entry struct {
	key   string
	value node
}

func (n node) fail(format string, args ...any) {
	where := n.path
	if where == "" {
		where = "the template"
	}
	if n.yaml != nil {
		where += fmt.Sprintf(" (line %d)", n.yaml.Line)
	}
	n.d.errs = append(n.d.errs, fmt.Errorf("%s %s", where, fmt.Sprintf(format, args...)))
}

func (n node) there() bool { return n.content() != nil }

// content follows aliases and !If, and is nil for AWS::NoValue.
func (n node) content() *yaml.Node {
	y := n.yaml
	for y != nil {
		switch {
		case y.Kind == yaml.AliasNode:
			y = y.Alias
		case y.Tag == "!If" && y.Kind == yaml.SequenceNode && len(y.Content) == 3:
			if n.d.holds(y.Content[0].Value) {
				y = y.Content[1]
			} else {
				y = y.Content[2]
			}
		case y.Tag == "!Ref" && y.Value == "AWS::NoValue":
			return nil
		default:
			return y
		}
	}
	return nil
}

// holds reports whether a condition of the template is true.
func (d *document) holds(name string) bool {
	if _, ok := d.decided[name]; !ok {
		// Also ends a condition that refers to itself, which CloudFormation
		// refuses.
		d.decided[name] = false
		d.decided[name] = d.conditions.at(name).condition()
	}
	return d.decided[name]
}

func (n node) condition() bool {
	if y := n.content(); y != nil && y.Kind == yaml.SequenceNode {
		items := n.items()
		switch {
		case y.Tag == "!Equals" && len(items) == 2:
			return items[0].text() == items[1].text()
		case y.Tag == "!Not" && len(items) == 1:
			return !items[0].condition()
		}
	}
	n.fail("is not a condition that is understood")
	return false
}

func (n node) child(key string, y *yaml.Node) node {
	if n.path != "" {
		key = n.path + "." + key
	}
	return node{y, key, n.d}
}

// entries returns those of a mapping, or none where there is nothing.
func (n node) entries() []entry {
	y := n.content()
	if y == nil {
		return nil
	}
	if y.Kind != yaml.MappingNode || y.Tag != "!!map" {
		n.fail("must be a mapping")
		return nil
	}
	var all []entry
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			n.fail("has a key that is not understood, on line %d", k.Line)
			continue
		}
		if slices.ContainsFunc(all, func(e entry) bool { return e.key == k.Value }) {
			n.fail("has the key %q twice", k.Value)
			continue
		}
		if value := n.child(k.Value, y.Content[i+1]); value.there() {
			all = append(all, entry{k.Value, value})
		}
	}
	return all
}

// at returns the value of a key, where there may be nothing.
func (n node) at(key string) node {
	y := n.content()
	if y == nil || y.Kind != yaml.MappingNode {
		return n.child(key, nil)
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Value == key {
			return n.child(key, y.Content[i+1])
		}
	}
	return n.child(key, nil)
}

// allow fails for each key of a mapping that is not among keys.
func (n node) allow(keys ...string) {
	for _, e := range n.entries() {
		if !slices.Contains(keys, e.key) {
			e.value.fail("is not understood")
		}
	}
}

// items returns those of a sequence, or none where there is nothing.
func (n node) items() []node {
	y := n.content()
	if y == nil {
		return nil
	}
	if y.Kind != yaml.SequenceNode {
		n.fail("must be a list")
		return nil
	}
	all := make([]node, 0, len(y.Content))
	for i, c := range y.Content {
		if item := (node{c, fmt.Sprintf("%s[%d]", n.path, i), n.d}); item.there() {
			all = append(all, item)
		}
	}
	return all
}

// itemsOrOne returns the items of a sequence, or a single value.
func (n node) itemsOrOne() []node {
	if y := n.content(); y == nil || y.Kind == yaml.SequenceNode {
		return n.items()
	}
	return []node{n}
}

// text returns a scalar with its references resolved.
func (n node) text() string {
	y := n.content()
	switch {
	case y == nil:
		n.fail("is missing")
		return ""
	case y.Kind != yaml.ScalarNode:
		n.fail("must be one value, with references in their short form, such as !Ref")
		return ""
	}
	switch y.Tag {
	case "!Ref":
		return n.ref(y.Value)
	case "!GetAtt":
		return n.attribute(y.Value)
	case "!Sub":
		return n.substitute(y.Value)
	case "!!str", "!!int", "!!bool", "!!float":
		return y.Value
	}
	n.fail("has the tag %s, which is not understood", y.Tag)
	return ""
}

// textIfAny is like text, but empty where there is nothing.
func (n node) textIfAny() string {
	if !n.there() {
		return ""
	}
	return n.text()
}

func (n node) number() int {
	text := n.text()
	i, err := strconv.Atoi(text)
	if err != nil && text != "" {
		n.fail("is %q, which is not a whole number", text)
	}
	return i
}

// yes reports whether there is a value and it is true.
func (n node) yes() bool {
	if !n.there() {
		return false
	}
	text := n.text()
	if text != "true" && text != "false" {
		n.fail("is %q, not true or false", text)
	}
	return text == "true"
}

func (n node) ref(name string) string {
	if v, ok := n.d.given[name]; ok {
		return v
	}
	if p := n.d.parameters.at(name); p.there() {
		value := p.at("Default")
		// CloudFormation takes no function here, and this one might refer to the
		// parameter itself.
		if y := value.content(); y != nil && !strings.HasPrefix(y.Tag, "!!") {
			value.fail("must be a plain value")
			return ""
		}
		return value.text()
	}
	if v := pseudoParameter(name); v != "" {
		return v
	}
	if n.d.resources.at(name).there() {
		return name
	}
	// SAM adds it.
	if id, ok := strings.CutSuffix(name, ".Alias"); ok && n.d.hasAlias(id) {
		return "${" + name + "}"
	}
	n.fail("refers to %q, which is neither a parameter nor a resource", name)
	return ""
}

// pseudoParameter returns a value for a pseudo parameter of CloudFormation, or ""
// for any other name.
func pseudoParameter(name string) string {
	switch name {
	case "AWS::AccountId":
		return "123456789012"
	case "AWS::Partition":
		return "aws"
	case "AWS::Region":
		return "us-east-1"
	case "AWS::StackName":
		return "instances"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	}
	return ""
}

// attribute keeps the reference, as in ${Table.Arn}, whose value only AWS knows.
func (n node) attribute(name string) string {
	resource, _, ok := strings.Cut(name, ".")
	if !ok || !n.d.resources.at(resource).there() {
		n.fail("refers to %q, which is not an attribute of a resource", name)
		return ""
	}
	return "${" + name + "}"
}

func (n node) substitute(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		name := v[2 : len(v)-1]
		switch {
		case strings.HasPrefix(name, "!"):
			return "${" + name[1:] + "}"
		case strings.Contains(name, "."):
			return n.attribute(name)
		default:
			return n.ref(name)
		}
	})
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)
