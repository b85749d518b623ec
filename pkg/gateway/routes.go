package gateway

import (
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strings"

	"instances/pkg/template"
)

// resource is a resource of the API.
type resource struct {
	template.Resource
	// id is derived from the path.
	id string
}

// segment is a node in the tree of paths.
type segment struct {
	resource *resource
	literals map[string]*segment
	// variable and greedy are the child {name} or {name+}. At most one is set.
	variable, greedy *segment
	name             string
}

// parameters are the path parameters of a request, percent-encoded as they were
// sent.
type parameters map[string]string

func newRoutes(resources []template.Resource) (*segment, error) {
	root := &segment{}
	for _, r := range resources {
		at := root
		for _, s := range split(r.Path) {
			next, err := at.child(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Path, err)
			}
			at = next
		}
		if at.resource != nil {
			return nil, fmt.Errorf("%s is declared twice", r.Path)
		}
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(r.Path))
		at.resource = &resource{r, strings.ToLower(base32.HexEncoding.EncodeToString(hash.Sum(nil)))[:6]}
	}
	return root, nil
}

// split returns the segments of a path, ignoring a trailing slash.
func split(path string) []string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// child returns the child of s for a segment of a resource's path. It creates it
// if necessary.
func (s *segment) child(text string) (*segment, error) {
	name, isVariable := strings.CutPrefix(strings.TrimSuffix(text, "}"), "{")
	if !isVariable {
		if s.literals[text] == nil {
			if s.literals == nil {
				s.literals = map[string]*segment{}
			}
			s.literals[text] = &segment{}
		}
		return s.literals[text], nil
	}
	name, isGreedy := strings.CutSuffix(name, "+")
	have, other := &s.variable, s.greedy
	if isGreedy {
		have, other = &s.greedy, s.variable
	}
	if other != nil || *have != nil && (*have).name != name {
		return nil, fmt.Errorf("%s has another variable next to it", text)
	}
	if *have == nil {
		*have = &segment{name: name}
	}
	return *have, nil
}

// find returns the resource for a path, or nil. On every level a literal segment
// takes precedence over a {parameter}, and that over a {greedy+}.
func (s *segment) find(path string) (*resource, parameters) {
	found := parameters{}
	segments := split(path)
	for i, text := range segments {
		switch next := s.literals[text]; {
		case next != nil:
			s = next
		case s.variable != nil && text != "":
			s = s.variable
			found[s.name] = text
		case s.greedy != nil:
			rest := strings.Join(segments[i:], "/")
			found[s.greedy.name] = rest
			return s.greedy.resource, found
		default:
			return nil, nil
		}
	}
	return s.resource, found
}
