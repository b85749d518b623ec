package runtimeapi

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// leash ends processes when this one is killed or panics and stops nothing
// itself. It is safe for concurrent use.
type leash struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	pids io.WriteCloser
}

// watch kills the processes that were told and not taken back when the other
// end of its input is closed, which the system does for a program that is
// gone. Ctrl-C on a terminal reaches it too, and is not for it.
const watch = `trap '' INT
pids=' '
while read -r what pid; do
	case $what in
	start) pids="$pids$pid " ;;
	end) pids="${pids%% $pid *} ${pids#* $pid }" ;;
	esac
done
kill -9 $pids`

func newLeash() (*leash, error) {
	l := &leash{cmd: exec.Command("/bin/sh", "-c", watch)}
	var err error
	if l.pids, err = l.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start leash: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start leash: %w", err)
	}
	return l, nil
}

// tell says that a process started, or that it ended. Where that fails, the
// leash was ended from outside: what runs then ends with its next request.
func (l *leash) tell(what string, pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.pids, "%s %d\n", what, pid)
}

// close ends the processes that are left, and the leash.
func (l *leash) close() {
	l.mu.Lock()
	_ = l.pids.Close()
	l.mu.Unlock()
	// It has nothing to tell: without a process to kill it fails.
	_ = l.cmd.Wait()
}
