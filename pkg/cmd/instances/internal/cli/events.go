package cli

import (
	"cmp"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/serving"
)

func (e *environment) events() *cobra.Command {
	var key, to, templatePath string
	c := &cobra.Command{
		Use:     "events --key NAME:SECRET --to FOLDER",
		GroupID: groupServing,
		Short:   "Write the sample events with real credentials",
		Long: `Writes the sample event of each function into FOLDER, with the credentials of a
key in place of the placeholders, for sam local invoke. Only their owner can
read the files, since they hold the secret.

Every user of a machine can read its command lines: if that matters, give
NAME:SECRET as the environment variable KEY instead of --key.`,
		Example: examples(
			"instances events --key ci:inst_… --to /tmp/events",
			"KEY=ci:inst_… instances events --to /tmp/events",
		),
		Args: arguments(),
	}
	c.Flags().StringVar(&key, "key", "", "`NAME:SECRET` of the key (default $KEY)")
	c.Flags().StringVar(&to, "to", "", "write to `FOLDER`, which is created if missing")
	c.Flags().StringVar(&templatePath, "template", "template.yaml", "`FILE` that declares the functions, next to the folder events")
	_ = c.MarkFlagDirname("to")
	c.RunE = func(*cobra.Command, []string) error {
		name, secret, ok := strings.Cut(cmp.Or(key, e.getenv("KEY")), ":")
		switch {
		case !ok || secret == "":
			return misused("--key is missing: want NAME:SECRET, or the same as the environment variable KEY")
		case to == "":
			return misused("--to is missing: want a folder")
		}
		if _, err := parseName(name); err != nil {
			return misused("--key: the name %q: %s", name, err)
		}
		t, err := serving.LoadTemplate(e.path(templatePath), templatePath)
		if err != nil {
			return err
		}
		folder := e.path(to)
		if folder == filepath.Dir(e.path(sampleEvent(templatePath, ""))) {
			return misused("--to %s: the samples are there, and have no secrets; choose another folder", to)
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		names := serving.FunctionNames(t)
		for _, function := range names {
			event, err := os.ReadFile(e.path(sampleEvent(templatePath, function)))
			if err == nil {
				err = serving.WritePrivate(filepath.Join(folder, function+".json"), withCredentials(string(event), name, secret))
			}
			if err != nil {
				return err
			}
		}
		say(e.stderr, "Wrote %d events into %s.\n", len(names), to)
		return nil
	}
	return c
}

// sampleEvent returns the path of a function's sample event.
func sampleEvent(templatePath, function string) string {
	return filepath.Join(filepath.Dir(templatePath), "events", function+".json")
}

// hasPlaceholder reports whether the event has the credentials of the samples.
func hasPlaceholder(event []byte) bool {
	return withCredentials(string(event), "", "") != string(event)
}

// withCredentials returns the event with those of a key in place of the
// credentials of the samples.
func withCredentials(event, name, secret string) string {
	basic := func(name, secret string) string {
		return base64.StdEncoding.EncodeToString([]byte(name + ":" + secret))
	}
	return strings.NewReplacer(
		`"Basic `+basic("local", "example")+`"`, `"Basic `+basic(name, secret)+`"`,
		`"Token example"`, `"Token `+secret+`"`,
		`"ApiKey example"`, `"ApiKey `+secret+`"`,
	).Replace(event)
}
