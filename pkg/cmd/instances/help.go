package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// overview answers what is no command: a wish for help, a group of commands,
// or a mistake.
func overview(args []string, e environment) int {
	if len(args) == 0 {
		return printHelp(e, "")
	}
	first, rest := args[0], args[1:]
	switch first {
	case "help":
		if c, found, more := find(rest); found && len(more) == 0 {
			u := &call{environment: e, flags: flag.NewFlagSet(c.name, flag.ContinueOnError)}
			c.prepare(u)
			return exitCode(c.help(e.stdout, u.flags))
		}
		if len(rest) == 0 || len(rest) == 1 && isGroup(rest[0]) {
			return printHelp(e, strings.Join(rest, " "))
		}
		say(e.stderr, "instances help: there is no command %q\nSee: instances help\n", strings.Join(rest, " "))
		return exitUsage
	case "-h", "-help", "--help":
		return printHelp(e, "")
	case "-version", "--version":
		return exitCode(printVersion(e.stdout))
	}
	switch {
	case isGroup(first) && len(rest) > 0 && slices.Contains([]string{"help", "-h", "-help", "--help"}, rest[0]):
		return printHelp(e, first)
	case isGroup(first) && len(rest) == 0:
		say(e.stderr, "instances %s: a command is missing: %s\nSee: instances help %[1]s\n", first, words(first))
	case isGroup(first):
		say(e.stderr, "instances %s: there is no command %q, but %s\nSee: instances help %[1]s\n", first, rest[0], words(first))
	case strings.HasPrefix(first, "-"):
		say(e.stderr, "instances: unknown flag %q: flags stand after the command\nSee: instances help\n", first)
	default:
		say(e.stderr, "instances: there is no command %q\nSee: instances help\n", first)
	}
	return exitUsage
}

// isGroup reports whether word is the first of commands of two words.
func isGroup(word string) bool {
	return slices.ContainsFunc(commands(), func(c command) bool { return strings.HasPrefix(c.name, word+" ") })
}

// words lists the second words of the commands of a group.
func words(group string) string {
	var all []string
	for _, c := range commands() {
		if second, ok := strings.CutPrefix(c.name, group+" "); ok {
			all = append(all, second)
		}
	}
	return strings.Join(all, ", ")
}

func exitCode(err error) int {
	if err != nil {
		return exitFailed
	}
	return exitOK
}

// printHelp prints the help of the program, or of a group of commands.
func printHelp(e environment, group string) int {
	var b strings.Builder
	var examples []string
	if group == "" {
		b.WriteString("instances serves one registry of instances through three APIs, and looks after it.\n\n")
		b.WriteString("Usage: instances COMMAND [flags]\n\n")
	} else {
		fmt.Fprintf(&b, "Usage: instances %s COMMAND [flags]\n\n", group)
	}
	b.WriteString("Commands:\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		if group == "" || strings.HasPrefix(c.name, group+" ") {
			_, _ = fmt.Fprintf(table, "  %s\t%s\n", c.usage(), c.summary)
			examples = append(examples, c.examples[:min(1, len(c.examples))]...)
		}
	}
	_ = table.Flush()
	writeExamples(&b, examples)
	b.WriteString("\nMore about a command: instances help COMMAND\n")
	_, err := io.WriteString(e.stdout, b.String())
	return exitCode(err)
}

// usage returns the name of the command and its arguments.
func (c command) usage() string {
	return strings.Join(append([]string{c.name}, c.arguments...), " ")
}

// help prints the help of one command.
func (c command) help(w io.Writer, flags *flag.FlagSet) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: instances %s [flags]\n\n%s\n", c.usage(), strings.TrimSpace(c.details))
	heading := "\nFlags:\n"
	flags.VisitAll(func(f *flag.Flag) {
		b.WriteString(heading)
		heading = ""
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "  --%s%s\n        %s\n", f.Name, value, text)
	})
	writeExamples(&b, c.examples)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeExamples(b *strings.Builder, examples []string) {
	if len(examples) == 0 {
		return
	}
	b.WriteString("\nExamples:\n")
	for _, line := range examples {
		b.WriteString("  " + line + "\n")
	}
}
