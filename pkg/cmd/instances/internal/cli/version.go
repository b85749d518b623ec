package cli

import (
	"cmp"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/serving"
)

func (e *environment) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: groupServing,
		Short:   "Print the version of this program",
		Long:    "Prints the version of this program and of Go.",
		Example: examples("instances version"),
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(e.stdout, describeVersion())
			return err
		},
	}
}

func describeVersion() string {
	return fmt.Sprintf("instances %s (%s %s/%s)", cmp.Or(serving.Version(), "development"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
