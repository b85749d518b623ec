package main

import (
	"errors"
	"slices"
	"strings"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/compute"
)

// parsePermissions reads a list such as topology:read,topology:write.
func parsePermissions(text string) ([]string, error) {
	known := append(app.Permissions(), auth.AllowAll)
	var allow []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !slices.Contains(known, part) {
			return nil, misused("--allow: there is no permission %q, but %s, and * for everything",
				part, strings.Join(app.Permissions(), ", "))
		}
		if !slices.Contains(allow, part) {
			allow = append(allow, part)
		}
	}
	return allow, nil
}

// parseComputeProfile returns the profiles of a key that speaks this one of the
// compute API. The default one is not stored.
func parseComputeProfile(text string) (map[string]string, error) {
	switch text {
	case compute.DocumentProfile:
		return nil, nil
	case compute.ClientProfile:
		return map[string]string{compute.Kind().Name: compute.ClientProfile}, nil
	}
	return nil, misused("--compute-profile: there is no profile %q, but %s and %s", text, compute.DocumentProfile, compute.ClientProfile)
}

// checkName checks the name of a key or an owner that was given as what.
func checkName(what, name string) error {
	if name == "" {
		return misused("%s is missing", what)
	}
	if !auth.ValidName(name) {
		return misused("%s: %q is not 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'", what, name)
	}
	return nil
}

// refusal puts in words why a name was not given to a key.
func refusal(name string, err error) error {
	switch {
	case errors.Is(err, auth.ErrNameTaken):
		return wordsFor(err, "a key named "+name+" exists: choose another name (with --owner, keys share an owner), "+
			"or first revoke it: instances keys revoke "+name)
	case errors.Is(err, auth.ErrNameOfOther):
		return wordsFor(err, "the name "+name+" belongs to another owner, also when the key is revoked: choose another name")
	}
	return err
}

// worded is an error in other words.
type worded struct {
	text string
	err  error
}

func wordsFor(err error, text string) error { return &worded{text, err} }

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }
