package dev

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args   []string
		want   error
		stderr string
	}{
		"right":          {[]string{"--number", "3", "folder"}, nil, ""},
		"unknown flag":   {[]string{"--other", "folder"}, ErrUsage, "not defined: -other\nusage: program FOLDER\n"},
		"too few":        {nil, ErrUsage, "usage: program FOLDER\n"},
		"too many":       {[]string{"a", "b"}, ErrUsage, "usage: program FOLDER\n"},
		"asked for help": {[]string{"-h"}, flag.ErrHelp, "usage: program FOLDER\n  -number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			flags := flag.NewFlagSet("program", flag.ContinueOnError)
			flags.Int("number", 1, "a number")
			err := Parse(flags, test.args, 1, "program FOLDER", &stderr)
			if !errors.Is(err, test.want) || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("error %v, output %q; want %v, %q", err, &stderr, test.want, test.stderr)
			}
		})
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "template.yaml")); err != nil {
		t.Error(err)
	}
}
