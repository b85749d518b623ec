package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"regexp"
	"sync"
	"time"
)

// lines takes what functions log, line by line. It is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	rest []byte
	// arrived has the bytes that each line makes in CloudWatch Logs.
	arrived chan int
}

// Write takes a part of the log. Where nobody waits for lines, they are lost.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		select {
		case l.arrived <- len(line) + eventBytes:
		default:
		}
		l.rest = rest
	}
}

// forget drops what has arrived.
func (l *lines) forget() {
	for {
		select {
		case <-l.arrived:
		default:
			return
		}
	}
}

// wait returns the bytes of what arrives, at least of one line: each call
// logs one.
func (l *lines) wait(ctx context.Context) (int, error) {
	timeout := time.NewTimer(lineTimeout)
	defer timeout.Stop()
	var total int
	select {
	case total = <-l.arrived:
	case <-timeout.C:
		return 0, errors.New("the function logs nothing")
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for the log: %w", ctx.Err())
	}
	for {
		select {
		case n := <-l.arrived:
			total += n
		default:
			return total, nil
		}
	}
}

// systemBytes is what Lambda logs of an invocation.
func systemBytes() int {
	total := 0
	for _, line := range systemLines() {
		total += len(line) + eventBytes
	}
	return total
}

// accessLineBytes returns how much the access log of a template takes for a
// call. YAML folds its lines: spaces take the place of the line ends.
func accessLineBytes(content string) (int, error) {
	format := regexp.MustCompile(`(?m)^ *Format: >-\n((?: +[{"].*\n)+)`).FindStringSubmatch(content)
	if format == nil {
		return 0, errors.New("the template has no access log")
	}
	folded := regexp.MustCompile(`(?m)^ +|\n$`).ReplaceAllString(format[1], "")
	values := contextValues()
	var unknown error
	line := regexp.MustCompile(`\$context\.([A-Za-z.]+)`).ReplaceAllStringFunc(folded, func(variable string) string {
		value, ok := values[variable[len("$context."):]]
		if !ok {
			unknown = errors.Join(unknown, fmt.Errorf("how long %s is, is not known", variable))
		}
		return value
	})
	return len(line) + eventBytes, unknown
}

// answerBytes is the size of an answer as API Gateway sends it.
func answerBytes(w *httptest.ResponseRecorder) int {
	total := headerBytes + w.Body.Len()
	for name, values := range w.Header() {
		for _, v := range values {
			total += len(name) + len(": ") + len(v) + len("\r\n")
		}
	}
	return total
}
