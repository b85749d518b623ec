package runtimeapi

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// leash kills processes when this one is killed or panics and cannot do so itself.
// It is safe for concurrent use.
type leash struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	pids io.WriteCloser
}

// watch kills the processes that have started and not ended when its input is
// closed, which the system does when this program is gone. It ignores Ctrl-C,
// which a terminal sends to it too.
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

// tell reports that a process has started or ended. If that fails, something else
// killed the leash; processes then outlive this program until their next request.
func (l *leash) tell(what string, pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.pids, "%s %d\n", what, pid)
}

// close kills the remaining processes and ends the leash.
func (l *leash) close() {
	l.mu.Lock()
	_ = l.pids.Close()
	l.mu.Unlock()
	// Its status says nothing: without a process to kill it fails.
	_ = l.cmd.Wait()
}
