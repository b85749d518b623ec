package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/compute"
)

// parsed is the value of a flag that is parsed when it is given.
type parsed[T any] struct {
	text   string
	target *T
	parse  func(string) (T, error)
}

func (p *parsed[T]) String() string { return p.text }
func (p *parsed[T]) Type() string   { return "value" }

func (p *parsed[T]) Set(text string) error {
	v, err := p.parse(text)
	if err == nil {
		p.text, *p.target = text, v
	}
	return err
}

// flagFor adds a flag whose value goes through parse into target. Text is its
// default, unless it is empty.
func flagFor[T any](c *cobra.Command, target *T, name, text string, parse func(string) (T, error), usage string) {
	value := &parsed[T]{target: target, parse: parse}
	if text != "" {
		// Defaults can be parsed.
		_ = value.Set(text)
	}
	c.Flags().Var(value, name, usage)
}

// flagError names the flag and the value that are wrong.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return misused("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	}
	return err
}

// choice returns what parses one of the values, for flagFor.
func choice(values ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if !slices.Contains(values, text) {
			return "", fmt.Errorf("want %s", strings.Join(values, " or "))
		}
		return text, nil
	}
}

// choiceFlag adds a flag with one of the values, the first by default.
func choiceFlag(c *cobra.Command, target *string, name, usage string, values ...string) {
	flagFor(c, target, name, values[0], choice(values...), usage)
	complete(c, name, values...)
}

// complete has the shell propose values for a flag.
func complete(c *cobra.Command, flag string, values ...string) {
	// It fails for a flag that there is not, or one that has it already.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

const formJSON = "json"

// formFlag adds the flag for the form of the output.
func formFlag(c *cobra.Command, form *string) {
	choiceFlag(c, form, "output", "`FORM` of the output: text or json", "text", formJSON)
}

// ownerFlag adds a flag for an owner.
func ownerFlag(c *cobra.Command, owner *string, usage string) {
	flagFor(c, owner, "owner", "", parseName, usage)
}

// parseName reads the name of a key or an owner.
func parseName(name string) (string, error) {
	if !auth.ValidName(name) {
		return "", errors.New("want 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
	}
	return name, nil
}

// parsePermissions reads a list such as topology:read,topology:write.
func parsePermissions(text string) ([]string, error) {
	known := append(app.Permissions(), auth.AllowAll)
	var allow []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !slices.Contains(known, part) {
			return nil, fmt.Errorf("unknown permission %q: want any of %s, or * for everything", part, strings.Join(app.Permissions(), ", "))
		}
		if !slices.Contains(allow, part) {
			allow = append(allow, part)
		}
	}
	return allow, nil
}

// parseComputeProfile returns the profiles of a key with this one of the
// compute API. The default one is not stored.
func parseComputeProfile(text string) (map[string]string, error) {
	switch text {
	case compute.DocumentProfile:
		return nil, nil
	case compute.ClientProfile:
		return map[string]string{compute.Kind().Name: compute.ClientProfile}, nil
	}
	return nil, fmt.Errorf("want %s or %s", compute.DocumentProfile, compute.ClientProfile)
}

// maxLifetime is the longest lifetime of a key that can be asked for: what is
// meant to be longer has none.
const maxLifetime = 100 * 365 * 24 * time.Hour

// parseLifetime reads a positive duration as Go writes them, with days in
// front if wanted: 90d, 36h, 1d12h.
func parseLifetime(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	invalid := errors.New("want a time such as 90d, 36h or 1d12h")
	tooLong := fmt.Errorf("more than %d days", maxLifetime/day)
	var days uint64
	rest := text
	if before, after, ok := strings.Cut(text, "d"); ok {
		var err error
		days, err = strconv.ParseUint(before, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && days > uint64(maxLifetime/day):
			return 0, tooLong
		case err != nil:
			return 0, invalid
		}
		rest = after
	}
	total := time.Duration(days) * day //nolint:gosec // At most maxLifetime.
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest, "+-") {
			return 0, invalid
		}
		if d > maxLifetime-total {
			return 0, tooLong
		}
		total += d
	}
	if total < time.Second {
		return 0, invalid
	}
	return total, nil
}

// parseRetention reads how long something is kept: for a day at least, since
// less is a mistyped number.
func parseRetention(text string) (time.Duration, error) {
	d, err := parseLifetime(text)
	if err == nil && d < cleanup.MinRetention {
		return 0, errors.New("less than a day, probably a typo: want 1d or more")
	}
	return d, err
}

// The defaults are those of the template's parameters.
const (
	defaultHistoryRetention = "365d"
	defaultDeletedRetention = "30d"
)

// historyRetentionFlag adds the flag for how long the history records of a
// command are kept; 0 means forever.
func historyRetentionFlag(c *cobra.Command, retention *time.Duration) {
	flagFor(c, retention, "history-retention", defaultHistoryRetention, func(text string) (time.Duration, error) {
		if text == "0" {
			return 0, nil
		}
		return parseRetention(text)
	}, "keep the history records of this for `TIME`, or 0 to keep them forever; a process that serves the data folder has its own setting")
}

// parseTime reads a time, or a day, which stands for its start (UTC).
func parseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("want a time such as 2030-01-01 or 2030-01-01T12:00:00Z")
}
