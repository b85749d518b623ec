package reference

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// document is the description of one API.
type document struct {
	name string
	// yaml returns it as it was written.
	yaml func() string
}

// documents returns those of all APIs, in the order in which they are offered.
func documents() []document {
	return []document{{"topology", topology.OpenAPI}, {"compute", compute.OpenAPI}, {"execution", execution.OpenAPI}}
}

// addDocuments adds the documents in JSON, which every tool reads.
func (h *handler) addDocuments() {
	for _, d := range documents() {
		h.files["openapi/"+d.name+".json"] = newFile("application/json", func() string {
			text, err := toJSON(d.yaml())
			if err != nil {
				// The tests convert what is embedded.
				panic(fmt.Errorf("description of the %s API: %w", d.name, err))
			}
			return text
		})
	}
}

// toJSON converts YAML to JSON with the same order of keys.
func toJSON(text string) (string, error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		return "", err
	}
	var b bytes.Buffer
	err := writeJSON(&b, &n)
	return b.String(), err
}

// writeJSON writes a node as JSON.
func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeJSON(b, n.Content[0])
	case yaml.AliasNode:
		return writeJSON(b, n.Alias)
	case yaml.MappingNode:
		return writeList(b, "{}", len(n.Content)/2, func(i int) error {
			key := n.Content[2*i]
			if key.ShortTag() == "!!merge" {
				return fmt.Errorf("line %d: keys are merged, which is not supported", key.Line)
			}
			// Keys are text, even those that look like numbers.
			writeText(b, key.Value)
			b.WriteByte(':')
			return writeJSON(b, n.Content[2*i+1])
		})
	case yaml.SequenceNode:
		return writeList(b, "[]", len(n.Content), func(i int) error { return writeJSON(b, n.Content[i]) })
	}
	switch n.ShortTag() {
	case "!!bool", "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return fmt.Errorf("line %d: %s is written in a way that JSON does not have", n.Line, n.Value)
		}
		b.WriteString(n.Value)
	case "!!null":
		b.WriteString("null")
	default:
		writeText(b, n.Value)
	}
	return nil
}

// writeList writes n things between brackets.
func writeList(b *bytes.Buffer, brackets string, n int, write func(i int) error) error {
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(i); err != nil {
			return err
		}
	}
	b.WriteByte(brackets[1])
	return nil
}

func writeText(b *bytes.Buffer, text string) {
	// Text can be encoded.
	out, _ := json.Marshal(text)
	b.Write(out)
}
