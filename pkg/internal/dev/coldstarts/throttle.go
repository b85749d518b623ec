package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"instances/pkg/rehearsal/runtimeapi"
)

const (
	// fullCPU is the memory with which a function has one processor.
	fullCPU = 1769
	// period is how often Lambda's scheduler gives a function its share.
	period = 20 * time.Millisecond
	// look is how often the use of the processor is read.
	look = time.Millisecond

	// The numbers on Linux: syscall does not have them on Windows.
	sigCont = syscall.Signal(18)
	sigStop = syscall.Signal(19)
)

// throttle limits a process to the share of a processor that its memory buys,
// from when it is ready until it ends. What it uses beyond that is taken from
// the next periods, in which it is stopped.
func throttle(p *runtimeapi.Process, memoryMB int) {
	select {
	case <-p.Ready():
	case <-p.Ended():
		return
	}
	process, err := os.FindProcess(p.PID())
	if err != nil {
		return
	}
	share := period * time.Duration(memoryMB) / fullCPU
	tick := time.NewTicker(look)
	defer tick.Stop()
	budget, used, refill, stopped := share, cpuTime(p.PID()), time.Now().Add(period), false
	for {
		select {
		case <-p.Ended():
			return
		case now := <-tick.C:
			total := cpuTime(p.PID())
			budget, used = budget-(total-used), total
			for ; !now.Before(refill); refill = refill.Add(period) {
				budget = min(budget+share, share)
			}
			if stop := budget <= 0; stop != stopped {
				stopped = stop
				// This fails only if the process has ended.
				if stop {
					_ = process.Signal(sigStop)
				} else {
					_ = process.Signal(sigCont)
				}
			}
		}
	}
}

// cpuTime returns how long the threads of a process have run on a processor, or
// 0 if it has ended.
func cpuTime(pid int) time.Duration {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return 0
	}
	var total time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(tasks + thread.Name() + "/schedstat")
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(string(text), " ")
		if ns, err := strconv.ParseInt(first, 10, 64); err == nil {
			total += time.Duration(ns)
		}
	}
	return total
}
