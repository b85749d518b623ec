package runtimeapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// environment returns the environment of the process: the variables that Lambda
// sets for an OS-only runtime, and those of the function.
func (p *Process) environment() []string {
	f := p.function
	all := map[string]string{
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      p.started.UTC().Format("2006/01/02") + "/[$LATEST]" + p.name,
		"AWS_LAMBDA_RUNTIME_API":          p.server.address + "/" + p.name,
		"LAMBDA_TASK_ROOT":                filepath.Dir(p.cmd.Path),
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin:/bin",
		"TZ":                              ":UTC",
		"_HANDLER":                        "bootstrap",
	}
	if region, ok := f.Environment["AWS_REGION"]; ok {
		all["AWS_DEFAULT_REGION"] = region
	}
	maps.Copy(all, f.Environment)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// traceHeader returns the header of a trace that nobody records. Its root is that
// of the event, or else a new one.
func traceHeader(event []byte) string {
	var b [20]byte
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(b[:])
	root := fmt.Sprintf("Root=1-%08x-%x", uint32(time.Now().Unix()), b[:12])
	var request struct {
		Headers map[string]string `json:"headers"`
	}
	// Not every event is a request.
	if err := json.Unmarshal(event, &request); err == nil {
		for name, value := range request.Headers {
			if !strings.EqualFold(name, "X-Amzn-Trace-Id") {
				continue
			}
			for part := range strings.SplitSeq(value, ";") {
				if strings.HasPrefix(part, "Root=") {
					root = part
				}
			}
		}
	}
	return fmt.Sprintf("%s;Parent=%x;Sampled=0", root, b[12:])
}
