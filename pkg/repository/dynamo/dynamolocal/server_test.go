package dynamolocal

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"instances/pkg/internal/dev"
)

// The engine answers on the loopback address, on no other, and ends with its
// leash, which the end of this process would close.
func TestStart(t *testing.T) {
	t.Parallel()
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	server, err := Start(t.Context(), root)
	if errors.Is(err, ErrMissing) {
		if !dev.CI() {
			t.Skipf("NOT TESTED: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	answer, err := http.Post(server.Endpoint, "", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	// A request without credentials is told what it lacks.
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("it answers %s, %v", answer.Status, answer.Header)
	}
	port := server.Endpoint[strings.LastIndex(server.Endpoint, ":")+1:]
	for _, host := range others(t) {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = c.Close()
			t.Errorf("it is reached at %s", host)
		}
	}
	_ = server.leash.Close()
	<-server.done
}

// others returns the addresses of this machine other than the one that the
// engine listens on.
func others(t *testing.T) []string {
	t.Helper()
	hosts := []string{"127.0.0.2"}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() && n.IP.String() != "127.0.0.1" {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}

// program writes a script that stands in for java.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "java")
	// A process that another test starts while the file is open would inherit it,
	// and what is open for writing cannot be run (golang/go#22315).
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A Java that is too old, or not there, is missing; other problems are not.
func TestFindJava(t *testing.T) {
	for script, missing := range map[string]bool{
		`echo 'openjdk version "17.0.15" 2025-04-15' >&2`:     false,
		`echo 'openjdk version "21" 2023-09-19 LTS' >&2`:      false,
		`echo 'java version "1.8.0_392"' >&2`:                 true,
		`echo 'openjdk version "11.0.2" 2019-01-15' >&2`:      true,
		`echo 'Unable to locate a Java Runtime.' >&2; exit 1`: true,
	} {
		t.Setenv("PATH", filepath.Dir(program(t, script))+":/bin:/usr/bin")
		if _, err := findJava(t.Context()); errors.Is(err, ErrMissing) != missing {
			t.Errorf("%s: %v, want missing %v", script, err, missing)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := findJava(t.Context()); !errors.Is(err, ErrMissing) {
		t.Errorf("without java: %v", err)
	}
}

// What ends at once is reported with what it said.
func TestStartFails(t *testing.T) {
	t.Parallel()
	_, err := start(t.Context(), program(t, "echo no memory >&2; exit 1"), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("error is %v", err)
	}
}

// A caller who gives up is not kept waiting.
func TestStartCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := start(ctx, program(t, "exec sleep 60"), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var end tail
	for range 10_000 {
		_, _ = end.Write([]byte("line\n"))
	}
	_, _ = end.Write([]byte("last"))
	if got := end.String(); len(got) > 4<<10 || !strings.HasSuffix(got, "line\nlast") {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// A fresh download takes the place of a former version, and of nothing where
// another process has put the same there.
func TestReplaceFolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, there, want string }{
		{"nothing there", "", "fresh"},
		{"former version", "old pom", "fresh"},
		{"same version", "pom", "there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from, dir, fresh := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "jars"), filepath.Join(t.TempDir(), "fresh")
			fill := func(folder, pom, jar string) {
				for _, err := range []error{
					os.Mkdir(folder, 0o755),
					os.WriteFile(filepath.Join(folder, "Loopback.java"), nil, 0o644),
					os.WriteFile(filepath.Join(folder, "pom.xml"), []byte(pom), 0o644),
					os.WriteFile(filepath.Join(folder, "x.jar"), []byte(jar), 0o644),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			fill(from, "pom", "")
			fill(fresh, "pom", "fresh")
			if test.there != "" {
				fill(dir, test.there, "there")
			}
			if err := replaceFolder(from, dir, fresh); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "x.jar")); err != nil || string(got) != test.want {
				t.Errorf("jar is %q, %v, want %q", got, err, test.want)
			}
			if rest, err := filepath.Glob(fresh + "-*"); err != nil || len(rest) > 0 {
				t.Errorf("left over: %v, %v", rest, err)
			}
		})
	}
}
