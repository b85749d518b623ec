package relay

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// socketName is the name of the socket in its folder.
const socketName = "serve.sock"

// maxAddress is the longest path that every system takes for a socket, in
// bytes: 104 with the final zero on macOS and BSD, 108 on Linux.
const maxAddress = 103

// address returns a path of dir/name that is short enough for a socket, and
// what to call when the path is not needed any more.
func address(dir, name string) (path string, release func(), err error) {
	nothing := func() {}
	if path := filepath.Join(dir, name); len(path) <= maxAddress {
		return path, nothing, nil
	}
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, filepath.Join(dir, name)); err == nil && len(short) <= maxAddress {
			return short, nothing, nil
		}
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("the path of the folder %s is too long for a socket in it (%d bytes at most)",
			dir, maxAddress-len(name)-1)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), name), func() { _ = folder.Close() }, nil
}
