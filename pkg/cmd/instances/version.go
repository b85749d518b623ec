package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

func versionCommand() command {
	return command{
		name:     "version",
		summary:  "print the version of this program",
		details:  "Prints the version of this program and of Go.",
		examples: []string{"instances version"},
		prepare: func(c *call) func(context.Context) error {
			return func(context.Context) error { return printVersion(c.stdout) }
		},
	}
}

func printVersion(w io.Writer) error {
	v := version()
	if v == "" {
		v = "development"
	}
	_, err := fmt.Fprintf(w, "instances %s (%s %s/%s)\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version identifies the source that the program was built from, or is empty
// where the build does not know.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, suffix := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			suffix = "-modified"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + suffix
}
