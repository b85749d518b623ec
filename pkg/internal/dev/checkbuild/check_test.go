package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/internal/dev"
	"instances/pkg/template"
)

// The tests run their own binary as a function that behaves as its environment
// says.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("BEHAVIOUR") == "crash" {
		_, _ = os.Stderr.WriteString("no table\n")
		os.Exit(3)
	}
	lambda.Start(func(r events.APIGatewayProxyRequest) (any, error) {
		anonymous := r.Headers["Authorization"] == "" && len(r.MultiValueHeaders["Authorization"]) == 0 &&
			r.Resource != "/api/v1/api-token-auth"
		switch b := os.Getenv("BEHAVIOUR"); {
		case b == "error":
			return nil, errors.New("broken")
		case b == "no answer":
			return "hello", nil
		case b == "open", !anonymous && b == "unasked":
			return events.APIGatewayProxyResponse{StatusCode: 200}, nil
		case anonymous:
			return events.APIGatewayProxyResponse{StatusCode: 401}, nil
		}
		return events.APIGatewayProxyResponse{StatusCode: 503}, nil
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	build := t.TempDir()
	for _, id := range []string{"TopologyGet", "ComputeTokenAuth", "Cleanup", "Reference"} {
		if err := os.Mkdir(filepath.Join(build, id), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(binary, filepath.Join(build, id, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	routes := []template.Route{{Method: "GET", Path: "/x"}}
	reads := []template.Statement{{Actions: []string{"dynamodb:GetItem"}}}
	asked := template.Function{Name: "topology-get", LogicalID: "TopologyGet", Routes: routes, Statements: reads}
	// The sample event of this one has no credentials in its headers.
	open := template.Function{Name: "compute-token-auth", LogicalID: "ComputeTokenAuth", Routes: routes, Statements: reads}
	static := template.Function{Name: "reference", LogicalID: "Reference", Routes: routes}
	scheduled := template.Function{Name: "cleanup", LogicalID: "Cleanup"}
	for _, test := range []struct {
		function        template.Function
		behaviour, want string
	}{
		{asked, "right", ""},
		{asked, "crash", "no table"},
		{asked, "error", "broken"},
		{asked, "no answer", "hello"},
		{asked, "open", "answers 200, not 401"},
		{asked, "unasked", "answers 200, not 5xx"},
		{open, "right", ""},
		{open, "unasked", "answers 200, not 5xx"},
		{static, "open", ""},
		{static, "error", "broken"},
		{static, "right", "answers 401, not 200"},
		{scheduled, "error", ""},
		{scheduled, "crash", "no table"},
		{scheduled, "no answer", "not with an error"},
	} {
		t.Run(test.function.Name+" "+test.behaviour, func(t *testing.T) {
			t.Parallel()
			c := check{events: filepath.Join("..", "..", "..", "..", "events"), build: build, out: io.Discard}
			f := test.function
			f.Environment = map[string]string{"BEHAVIOUR": test.behaviour}
			err := c.start(t.Context(), &template.Template{Functions: []template.Function{f}})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestBinaries(t *testing.T) {
	t.Parallel()
	write := func(mode os.FileMode, data []byte) string {
		path := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// program is an ELF header for arm64 with one program header.
	program := func(kind elf.ProgType) []byte {
		b := make([]byte, 64+56)
		copy(b, "\x7fELF\x02\x01\x01")
		b[16], b[18], b[20] = byte(elf.ET_EXEC), byte(elf.EM_AARCH64), 1
		b[32], b[52], b[54], b[56], b[58] = 64, 64, 56, 1, 64
		b[64] = byte(kind)
		return b
	}
	for _, test := range []struct {
		name, path string
		machine    elf.Machine
		want       string
	}{
		{"static", write(0o700, program(elf.PT_LOAD)), elf.EM_AARCH64, ""},
		{"dynamic", write(0o700, program(elf.PT_INTERP)), elf.EM_AARCH64, "linked dynamically"},
		{"of another machine", write(0o700, program(elf.PT_LOAD)), elf.EM_X86_64, "is for EM_AARCH64"},
		{"not executable", write(0o600, program(elf.PT_LOAD)), elf.EM_AARCH64, "not executable"},
		{"no binary", write(0o700, []byte("#!/bin/sh\n")), elf.EM_AARCH64, "read bootstrap"},
		{"missing", "testdata/absent", elf.EM_AARCH64, "no such file"},
	} {
		err := checkBinary(test.path, test.machine)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	extra := t.TempDir()
	if err := os.Mkdir(filepath.Join(extra, "Other"), 0o700); err != nil {
		t.Fatal(err)
	}
	tmpl := filepath.Join("..", "..", "..", "..", "template.yaml")
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no folder", nil, dev.ErrUsage.Error()},
		{"unknown flag", []string{"--other"}, dev.ErrUsage.Error()},
		{"unknown architecture", []string{"--architecture", "mips", extra}, `"mips"`},
		{"no template", []string{"--template", "testdata/absent", extra}, "read template"},
		{"function not built", []string{"--template", tmpl, extra}, "topology-get: "},
		{"built and no function", []string{"--template", tmpl, extra}, "Other is built"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			err := run(t.Context(), "../../../..", test.args, &stdout, &stderr)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if errors.Is(err, dev.ErrUsage) != (stderr.Len() > 0) {
				t.Errorf("error %v and the output %q", err, stderr.String())
			}
		})
	}
}
