// Package kinds knows the three APIs as far as the commands about their
// instances need to.
package kinds

import (
	"slices"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// Kind is a kind of instances.
type Kind struct {
	instance.Kind
	// PerOwner says that an id names an instance only together with its
	// owner.
	PerOwner bool
	// Key returns the key of the instance with that id, or
	// [instance.ErrNotFound] for an id that none can have. The owner is
	// ignored unless PerOwner.
	Key func(owner, id string) (instance.Key, error)
	// Check says why an instance with such a key is not what the API stores.
	Check func(instance.Instance) error
}

// All returns the kinds in the order of lists and exports.
func All() []Kind {
	return []Kind{
		{topology.Kind(), false, func(_, id string) (instance.Key, error) { return topology.Key(id) }, topology.Check},
		{compute.Kind(), true, compute.Key, compute.Check},
		{execution.Kind(), false, func(_, id string) (instance.Key, error) { return execution.Key(id) }, execution.Check},
	}
}

// Named returns the kind with that name.
func Named(name string) (Kind, bool) {
	all := All()
	n := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if n < 0 {
		return Kind{}, false
	}
	return all[n], true
}

// Stored returns the kinds as repositories know them.
func Stored() []instance.Kind {
	var stored []instance.Kind
	for _, k := range All() {
		stored = append(stored, k.Kind)
	}
	return stored
}

// Names returns the names of the kinds.
func Names() []string {
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
	}
	return names
}

// List returns the names of the kinds for a message.
func List() string {
	names := Names()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Describe names the instance with the key in a message.
func Describe(key instance.Key) string {
	text := key.Kind.Name + " instance " + key.ID
	if k, _ := Named(key.Kind.Name); k.PerOwner {
		return text + " of the owner " + key.Collection
	}
	return text
}
