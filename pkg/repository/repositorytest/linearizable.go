package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strconv"
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
			switch (client + step) % 3 {
			case 0:
				before := known
				_, err = run(client, registerCall{kind: "replace", version: before.Version, text: name}, func() (register, error) {
					after := before
					after.Name = name
					i, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
					return register{i.Version, i.Name}, err
				})
			case 1:
				_, err = run(client, registerCall{kind: "append", text: name}, func() (register, error) {
					return f.appendName(t.Context(), first.Key(), name, nil)
				})
			default:
				// Clients share the keys.
				key := strconv.Itoa(step / 2)
				_, err = run(client, registerCall{kind: "append", text: name, key: key}, func() (register, error) {
					return f.appendName(t.Context(), first.Key(), name, &instance.Idempotency{
						Owner: "o", Route: "r", Key: key, ExpiresAt: first.CreatedAt.AddDate(0, 1, 0),
						Answer: func(i instance.Instance) ([]byte, error) { return fmt.Append(nil, i.Version, " ", i.Name), nil },
					})
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

// appendName appends to the name of an instance, unless the key of record was used.
// It returns the state after that.
func (f *fixture) appendName(ctx context.Context, key instance.Key, name string, record *instance.Idempotency) (register, error) {
	i, err := f.Update(ctx, key, f.change("patch"), record, func(i instance.Instance) (instance.Instance, error) {
		i.Name += "+" + name
		return i, nil
	})
	state := register{i.Version, i.Name}
	if repeated, ok := errors.AsType[*instance.RepeatedError](err); ok {
		_, err = fmt.Sscan(string(repeated.Answer), &state.version, &state.text)
	}
	return state, err
}

// register is the state of the one instance.
type register struct {
	version int64
	text    string
}

// registerCall is a get, a replace of a version by a text, or an append, which may
// have an idempotency key.
type registerCall struct {
	kind    string
	version int64
	text    string
	key     string
}

// registerAnswer is the state that a call returned, or its conflict.
type registerAnswer struct {
	state    register
	conflict bool
}

// answeredRegister is a register and the answers that are recorded, by keys.
type answeredRegister struct {
	register
	answers map[string]register
}

// registerModel says how the instance behaves when calls come one by one.
func registerModel(first register) porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return answeredRegister{register: first} },
		Equal: reflect.DeepEqual,
		Step: func(state, input, output any) (bool, any) {
			now, call, answer := state.(answeredRegister), input.(registerCall), output.(registerAnswer)
			if recorded, ok := now.answers[call.key]; ok {
				return answer.state == recorded, now
			}
			next := now
			switch call.kind {
			case "replace":
				if call.version != now.version {
					return answer.conflict, now
				}
				next.register = register{now.version + 1, call.text}
			case "append":
				next.register = register{now.version + 1, now.text + "+" + call.text}
			}
			if call.key != "" {
				next.answers = map[string]register{call.key: next.register}
				maps.Copy(next.answers, now.answers)
			}
			return !answer.conflict && answer.state == next.register, next
		},
	}
}
