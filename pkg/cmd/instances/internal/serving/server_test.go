package serving

import (
	"net"
	"strings"
	"testing"
)

// Only an address that others reach is warned of.
func TestServeExposed(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := !isLoopback(l.Addr()); got != want {
			t.Errorf("%s: %v", addr, got)
		}
		if url := baseURL(l.Addr()); !strings.HasPrefix(url, "http://127.0.0.1:") && !strings.HasPrefix(url, "http://[") {
			t.Errorf("%s: %s", addr, url)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
