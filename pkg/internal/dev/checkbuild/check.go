package main

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"instances/pkg/rehearsal/runtimeapi"
	"instances/pkg/template"
)

// answerWithin is what an invocation may take. It is the deadline that a
// function sees, so it also bounds how long it tries to reach DynamoDB.
const answerWithin = 5 * time.Second

type check struct {
	architecture, template, events, build string
	out                                   io.Writer
}

func (c *check) run(ctx context.Context) error {
	machines := map[string]struct {
		elf    elf.Machine
		goarch string
	}{
		"arm64":  {elf.EM_AARCH64, "arm64"},
		"x86_64": {elf.EM_X86_64, "amd64"},
	}
	machine, ok := machines[c.architecture]
	if !ok {
		return fmt.Errorf("architecture %q is not known", c.architecture)
	}
	t, err := template.Load(c.template)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range t.Functions {
		if err := checkBinary(c.binary(f), machine.elf); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.Name, err))
		}
	}
	errs = append(errs, c.nothingElse(t))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	starts := runtime.GOOS == "linux" && runtime.GOARCH == machine.goarch
	if starts {
		if err := c.start(ctx, t); err != nil {
			return err
		}
	}
	for _, f := range t.Functions {
		size, err := zipped(c.binary(f))
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		answers := ", not started on this machine"
		if starts {
			answers = ", starts and answers"
		}
		_, _ = fmt.Fprintf(c.out, "%s: %s, zip %.2f MiB%s\n", f.Name, c.architecture, float64(size)/(1<<20), answers)
	}
	return nil
}

func (c *check) binary(f template.Function) string {
	return filepath.Join(c.build, f.LogicalID, "bootstrap")
}

// checkBinary fails unless path is a static executable for the machine.
func checkBinary(path string, machine elf.Machine) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode()&0o111 == 0 {
		return errors.New("bootstrap is not executable")
	}
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read bootstrap: %w", err)
	}
	defer func() { _ = file.Close() }()
	if file.Machine != machine {
		return fmt.Errorf("bootstrap is for %s, not %s", file.Machine, machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("bootstrap is linked dynamically")
		}
	}
	return nil
}

// nothingElse fails where the build has a folder that is no function.
func (c *check) nothingElse(t *template.Template) error {
	entries, err := os.ReadDir(c.build)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := t.Function(e.Name()); e.IsDir() && !ok {
			return fmt.Errorf("%s is built but is not a function of the template", e.Name())
		}
	}
	return nil
}

// start runs all functions at once and has each answer its sample event.
func (c *check) start(ctx context.Context, t *template.Template) error {
	server, err := runtimeapi.Listen(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	results := make(chan error, len(t.Functions))
	for _, f := range t.Functions {
		environment := maps.Clone(f.Environment)
		maps.Copy(environment, map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
			// Nothing listens there.
			"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
		})
		go func() {
			log := new(bytes.Buffer)
			process, err := server.Start(runtimeapi.Function{
				Name: f.Name, Binary: c.binary(f), Timeout: answerWithin, MemoryMB: f.MemoryMB,
				Environment: environment, Output: log,
			})
			if err == nil {
				err = c.ask(ctx, process, f)
				process.Stop()
			}
			if err != nil {
				err = fmt.Errorf("%s: %w\n%s", f.Name, err, log)
			}
			results <- err
		}()
	}
	var errs []error
	for range t.Functions {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// ask sends the sample event of a function, without its credentials, where it
// has some, and as it is.
func (c *check) ask(ctx context.Context, process *runtimeapi.Process, f template.Function) error {
	sample, err := os.ReadFile(filepath.Join(c.events, f.Name+".json"))
	if err != nil {
		return err
	}
	if len(f.Routes) == 0 {
		return report(ctx, process, sample)
	}
	var event map[string]any
	if err := json.Unmarshal(sample, &event); err != nil {
		return fmt.Errorf("sample event: %w", err)
	}
	if withoutCredentials(event) {
		anonymous, err := json.Marshal(event)
		if err != nil {
			return fmt.Errorf("sample event: %w", err)
		}
		status, err := invoke(ctx, process, anonymous)
		if err != nil {
			return err
		}
		if status != http.StatusUnauthorized {
			return fmt.Errorf("without credentials it answers %d, not 401", status)
		}
	}
	status, err := invoke(ctx, process, sample)
	if err != nil {
		return err
	}
	if status < 500 || status > 599 {
		return fmt.Errorf("without DynamoDB it answers %d, not 5xx", status)
	}
	return nil
}

// report invokes a function that is not behind the API. Without DynamoDB it
// must say itself that it fails, and not end or be ended.
func report(ctx context.Context, process *runtimeapi.Process, event []byte) error {
	out, err := process.Invoke(ctx, event)
	if err == nil {
		return fmt.Errorf("without DynamoDB it answers %s, and no error", out)
	}
	// Lambda's own types have a dot in them.
	if own, ok := errors.AsType[*runtimeapi.FunctionError](err); ok && !strings.Contains(own.Type, ".") {
		return nil
	}
	return fmt.Errorf("invoke: %w", err)
}

// withoutCredentials takes the credentials out of an event, and reports
// whether there were any: who asks for a token has none yet.
func withoutCredentials(event map[string]any) bool {
	found := false
	for _, name := range []string{"headers", "multiValueHeaders"} {
		headers, ok := event[name].(map[string]any)
		if _, there := headers["Authorization"]; ok && there {
			delete(headers, "Authorization")
			found = true
		}
	}
	return found
}

// invoke returns the status that the function answers.
func invoke(ctx context.Context, process *runtimeapi.Process, event []byte) (int, error) {
	out, err := process.Invoke(ctx, event)
	if err != nil {
		return 0, fmt.Errorf("invoke: %w", err)
	}
	var answer struct{ StatusCode int }
	if err := json.Unmarshal(out, &answer); err != nil {
		return 0, fmt.Errorf("answer %q: %w", out, err)
	}
	return answer.StatusCode, nil
}

// zipped returns how many bytes the binary has when it is deployed.
func zipped(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	part, err := w.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := part.Write(data); err != nil {
		return 0, err
	}
	err = w.Close()
	return b.Len(), err
}
