package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/instance"
)

// parseKind returns the kind that the argument KIND names.
func parseKind(args []string) (kinds.Kind, error) {
	if len(args) == 0 || args[0] == "" {
		return kinds.Kind{}, misused("KIND is missing: %s", kinds.List())
	}
	k, ok := kinds.Named(args[0])
	if !ok {
		return kinds.Kind{}, misused("unknown kind %q: want %s", args[0], kinds.List())
	}
	return k, nil
}

// completeKind has the shell propose kinds for the first argument.
func completeKind(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return kinds.Names(), cobra.ShellCompDirectiveNoFileComp
}

// ownerOfInstance describes the flag of commands about one instance.
const ownerOfInstance = "`OWNER` of the instance: needed for compute, whose ids belong to owners"

// parseKey returns the key of the instance that a command is about: its
// arguments KIND and ID, and the owner where one was given.
func parseKey(args []string, owner string) (instance.Key, error) {
	k, err := parseKind(args)
	if err != nil {
		return instance.Key{}, err
	}
	switch {
	case len(args) < 2 || args[1] == "":
		return instance.Key{}, misused("ID is missing: that of the %s instance", k.Name)
	case !k.PerOwner && owner != "":
		return instance.Key{}, misused("--owner is not for %s, whose ids need none", k.Name)
	case k.PerOwner && owner == "":
		return instance.Key{}, misused("--owner is missing: the id of a %s instance is only unique within its owner", k.Name)
	}
	key, err := k.Key(owner, args[1])
	if errors.Is(err, instance.ErrNotFound) {
		return instance.Key{}, misused("no %s instance can have the id %q", k.Name, args[1])
	}
	return key, err
}
