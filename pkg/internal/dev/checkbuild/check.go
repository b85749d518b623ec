package main

import (
	"archive/zip"
	"bytes"
	"cmp"
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

// answerWithin is the deadline of an invocation. The function sees it, so it
// also bounds how long the function tries to reach DynamoDB.
const answerWithin = 5 * time.Second

type check struct {
	architecture, template, events, build string
	out                                   io.Writer
}

func (c *check) run(ctx context.Context) error {
	machine, goarch := elf.EM_AARCH64, "arm64"
	switch c.architecture {
	case "arm64":
	case "x86_64":
		machine, goarch = elf.EM_X86_64, "amd64"
	default:
		return fmt.Errorf("unknown architecture %q", c.architecture)
	}
	t, err := template.Load(c.template)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range t.Functions {
		if err := checkBinary(c.binary(f), machine); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.Name, err))
		}
	}
	errs = append(errs, c.nothingElse(t))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	outcome := "not started on this machine"
	if runtime.GOOS == "linux" && runtime.GOARCH == goarch {
		if err := c.start(ctx, t); err != nil {
			return err
		}
		outcome = "starts and answers"
	}
	for _, f := range t.Functions {
		size, err := zipped(filepath.Dir(c.binary(f)))
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		_, _ = fmt.Fprintf(c.out, "%s: %s, zip %.2f MiB, %s\n", f.Name, c.architecture, float64(size)/(1<<20), outcome)
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

// nothingElse fails if the build has a folder that is not a function.
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

// ask sends the sample event of a function, first without its credentials if it
// has any, and then as it is. A function that does without DynamoDB must answer it
// as always.
func (c *check) ask(ctx context.Context, process *runtimeapi.Process, f template.Function) error {
	sample, err := os.ReadFile(filepath.Join(c.events, f.Name+".json"))
	if err != nil {
		return err
	}
	if len(f.Routes) == 0 {
		return report(ctx, process, sample)
	}
	if !f.UsesTable() {
		if status, err := invoke(ctx, process, sample); err != nil || status != http.StatusOK {
			return cmp.Or(err, fmt.Errorf("it answers %d, not 200", status))
		}
		return nil
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
		if status, err := invoke(ctx, process, anonymous); err != nil || status != http.StatusUnauthorized {
			return cmp.Or(err, fmt.Errorf("without credentials it answers %d, not 401", status))
		}
	}
	if status, err := invoke(ctx, process, sample); err != nil || status < 500 || status > 599 {
		return cmp.Or(err, fmt.Errorf("without DynamoDB it answers %d, not 5xx", status))
	}
	return nil
}

// report invokes a function that is not behind the API. Without DynamoDB it
// must return an error, rather than end or time out.
func report(ctx context.Context, process *runtimeapi.Process, event []byte) error {
	out, err := process.Invoke(ctx, event)
	if err == nil {
		return fmt.Errorf("without DynamoDB it answers %s, not with an error", out)
	}
	// The types of Lambda's own errors have a dot.
	if own, ok := errors.AsType[*runtimeapi.FunctionError](err); ok && !strings.Contains(own.Type, ".") {
		return nil
	}
	return fmt.Errorf("invoke: %w", err)
}

// withoutCredentials removes the credentials from an event, and reports whether
// there were any: whoever asks for a token has none yet.
func withoutCredentials(event map[string]any) bool {
	found := false
	for _, name := range []string{"headers", "multiValueHeaders"} {
		headers, _ := event[name].(map[string]any)
		if _, ok := headers["Authorization"]; ok {
			delete(headers, "Authorization")
			found = true
		}
	}
	return found
}

// invoke returns the status of the function's response.
func invoke(ctx context.Context, process *runtimeapi.Process, event []byte) (int, error) {
	out, err := process.Invoke(ctx, event)
	if err != nil {
		return 0, fmt.Errorf("invoke: %w", err)
	}
	var answer struct{ StatusCode int }
	// After the status and the headers, a stream has its body.
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&answer); err != nil {
		return 0, fmt.Errorf("answer %q: %w", out, err)
	}
	return answer.StatusCode, nil
}

// zipped returns the size in bytes of the folder as it is deployed.
func zipped(folder string) (int, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := errors.Join(w.AddFS(os.DirFS(folder)), w.Close())
	return b.Len(), err
}
