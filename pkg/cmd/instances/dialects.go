package main

import (
	"errors"
	"slices"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// dialect is one of the APIs, as the commands about its instances know it.
type dialect struct {
	kind instance.Kind
	// perOwner says that an id names an instance only together with its
	// owner.
	perOwner bool
	// key returns the key of the instance with that id, or
	// [instance.ErrNotFound] for an id that none can have. The owner is
	// ignored unless perOwner.
	key func(owner, id string) (instance.Key, error)
	// check says why an instance with such a key is not what the API stores.
	check func(instance.Instance) error
}

func dialects() []dialect {
	return []dialect{
		{topology.Kind(), false, func(_, id string) (instance.Key, error) { return topology.Key(id) }, topology.Check},
		{compute.Kind(), true, compute.Key, compute.Check},
		{execution.Kind(), false, func(_, id string) (instance.Key, error) { return execution.Key(id) }, execution.Check},
	}
}

// kindNames lists the kinds for a message.
func kindNames() string {
	var names []string
	for _, d := range dialects() {
		names = append(names, d.kind.Name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// parseKind returns the dialect that the argument KIND names.
func parseKind(c *call) (dialect, error) {
	if len(c.args) == 0 || c.args[0] == "" {
		return dialect{}, misused("KIND is missing: %s", kindNames())
	}
	all := dialects()
	n := slices.IndexFunc(all, func(d dialect) bool { return d.kind.Name == c.args[0] })
	if n < 0 {
		return dialect{}, misused("there is no kind %q, but %s", c.args[0], kindNames())
	}
	return all[n], nil
}

// subject is the instance that a command is about: its arguments KIND and ID,
// and the flag for the owner.
type subject struct {
	owner string
}

// flags adds the flag.
func (s *subject) flags(c *call) {
	c.flags.StringVar(&s.owner, "owner", "", "`OWNER` of the instance: needed for compute, whose ids belong to owners")
}

// key returns the key of the instance.
func (s *subject) key(c *call) (instance.Key, error) {
	d, err := parseKind(c)
	if err != nil {
		return instance.Key{}, err
	}
	name := d.kind.Name
	switch {
	case len(c.args) < 2 || c.args[1] == "":
		return instance.Key{}, misused("ID is missing: that of the %s instance", name)
	case !d.perOwner && c.given("owner"):
		return instance.Key{}, misused("--owner is not for %s, whose ids need none", name)
	case d.perOwner && !c.given("owner"):
		return instance.Key{}, misused("--owner is missing: the id of a %s instance belongs to an owner, and names nothing without it", name)
	}
	if d.perOwner {
		if err := checkName("--owner", s.owner); err != nil {
			return instance.Key{}, err
		}
	}
	key, err := d.key(s.owner, c.args[1])
	if errors.Is(err, instance.ErrNotFound) {
		return instance.Key{}, misused("no %s instance can have the id %q", name, c.args[1])
	}
	return key, err
}

// describe names the instance with the key in a message.
func describe(key instance.Key) string {
	text := key.Kind.Name + " instance " + key.ID
	if slices.ContainsFunc(dialects(), func(d dialect) bool { return d.kind == key.Kind && d.perOwner }) {
		return text + " of the owner " + key.Collection
	}
	return text
}
