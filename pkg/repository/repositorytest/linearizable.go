package repositorytest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"instances/pkg/instance"
)

// testLinearizable runs reads and writes of one instance at once and checks
// that some order of the calls, each within its own time, explains all answers.
func testLinearizable(t *testing.T, open Opener) {
	f := start(t, open)
	first := f.createNumbered(t, instance.Instance{Name: "0"})
	const clients, steps = 5, 8

	var mu sync.Mutex
	var operations []porcupine.Operation
	var ticks atomic.Int64
	// run performs one call and records it with its answer.
	run := func(client int, in registerCall, call func() (register, error)) (register, error) {
		called := ticks.Add(1)
		got, err := call()
		if err != nil && !errors.Is(err, instance.ErrConflict) {
			return got, err
		}
		answer := registerAnswer{state: got, conflict: err != nil}
		mu.Lock()
		defer mu.Unlock()
		operations = append(operations, porcupine.Operation{
			ClientId: client, Input: in, Call: called, Output: answer, Return: ticks.Add(1),
		})
		return got, nil
	}
	errs := parallel(clients, func(client int) error {
		known := first
		for step := range steps {
			name := fmt.Sprintf("%d.%d", client, step)
			_, err := run(client, registerCall{kind: "get"}, func() (register, error) {
				i, err := f.Get(t.Context(), first.Key())
				known = i
				return register{i.Version, i.Name}, err
			})
			if err != nil {
				return err
			}
			if (client+step)%2 == 0 {
				before := known
				_, err = run(client, registerCall{"replace", before.Version, name}, func() (register, error) {
					after := before
					after.Name = name
					i, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
					return register{i.Version, i.Name}, err
				})
			} else {
				_, err = run(client, registerCall{kind: "append", text: name}, func() (register, error) {
					i, err := f.Update(t.Context(), first.Key(), f.change("patch"),
						nil, func(i instance.Instance) (instance.Instance, error) {
							i.Name += "+" + name
							return i, nil
						})
					return register{i.Version, i.Name}, err
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	result := porcupine.CheckOperationsTimeout(registerModel(register{1, "0"}), operations, 20*time.Second)
	if result != porcupine.Ok {
		t.Fatalf("the answers of %d calls are %s: %+v", len(operations), result, operations)
	}
}

// register is the state of the one instance.
type register struct {
	version int64
	text    string
}

// registerCall is a get, a replace of a version by a text, or an append.
type registerCall struct {
	kind    string
	version int64
	text    string
}

// registerAnswer is the state that a call returned, or its conflict.
type registerAnswer struct {
	state    register
	conflict bool
}

// registerModel says how the instance behaves when calls come one by one.
func registerModel(first register) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return first },
		Step: func(state, input, output any) (bool, any) {
			now, call, answer := state.(register), input.(registerCall), output.(registerAnswer)
			next := now
			switch call.kind {
			case "replace":
				if call.version != now.version {
					return answer.conflict, now
				}
				next = register{now.version + 1, call.text}
			case "append":
				next = register{now.version + 1, now.text + "+" + call.text}
			}
			return !answer.conflict && answer.state == next, next
		},
	}
}
