package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// demoCode is the code of the topology instance that the printed lines make.
const demoCode = "DEMO"

// demoID and demoModel are the id and the idRef of the execution instance that
// the printed lines make.
const (
	demoID    = "demo"
	demoModel = "model-1"
)

// greeting is what serve prints when it is ready.
type greeting struct {
	// place is what the API is served on.
	place string
	// url is where the API is, without a path.
	url string
	// dir is the data folder as it was given.
	dir string
	// note is what there is to say about the key local.
	note string
	// fresh says that the database was made just now.
	fresh bool
	// exposed says that other machines can reach the server.
	exposed bool
}

// print prints lines to paste into a shell. They work in this order, and again
// on the next start: a second create says that the code or the id is taken, or
// answers as the first one did. Its error is one of the repository.
func (g greeting) print(ctx context.Context, w io.Writer, r repository) error {
	id, err := g.topologyID(ctx, r)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Serving %s on %s. Ctrl-C stops.\n", g.url, g.place)
	if g.exposed {
		b.WriteString("Other machines can reach this address, and what they send is not encrypted, secrets included.\n")
	}
	if g.note != "" {
		b.WriteString(g.note + "\n")
	}
	b.WriteString("\nTo try it, paste these lines into another shell in this folder:\n")
	for _, line := range slices.Concat(g.topologyLines(id), g.computeLines(), g.executionLines()) {
		fmt.Fprintf(&b, "\n# %s\n%s\n", line.what, line.command)
	}
	// Where nobody reads it, the server serves all the same.
	_, _ = io.WriteString(w, b.String()+"\n")
	return nil
}

// shellLine is a line to paste into a shell.
type shellLine struct{ what, command string }

// secret returns what a shell replaces by the secret of the key local, within
// double quotes.
func (g greeting) secret() string {
	return "$(cat " + quote(filepath.Join(g.dir, localKeyFile)) + ")"
}

// topologyLines returns the lines for the topology API. The id of the instance
// that they make is empty where it is not known.
func (g greeting) topologyLines(id string) []shellLine {
	key := `-u "` + localKey + `:` + g.secret() + `"`
	curl := `curl -sS -w '\n' ` + key
	api := g.url + topology.BasePath
	if id == "" {
		id = fmt.Sprintf(`$(curl -sS %s '%s?instanceCode=%s' | grep -o '"instanceId":[0-9]*' | cut -d: -f2)`, key, api, demoCode)
	}
	return []shellLine{
		{"create", fmt.Sprintf(`%s -H 'Content-Type: application/json' -d '{"instanceName":"Demo instance","instanceCode":"%s"}' %s`, curl, demoCode, api)},
		{"search", fmt.Sprintf(`%s '%s?instanceName=demo'`, curl, api)},
		{"get", fmt.Sprintf(`%s %s/%s`, curl, api, id)},
		{"patch", fmt.Sprintf(`%s -X PATCH -H 'Content-Type: application/json' -d '{"description":"Patched","environments":[101]}' %s/%s`, curl, api, id)},
	}
}

// computeLines returns the lines for the compute API. The name of their
// instance is not unique, so its create has an Idempotency-Key, and its uuid is
// looked up when it is used: others may be newer.
func (g greeting) computeLines() []shellLine {
	key := `-H "Authorization: Token ` + g.secret() + `"`
	curl := `curl -sS -w '\n' ` + key
	api := g.url + compute.BasePath + "/"
	uuid := fmt.Sprintf(`$(curl -sS %s %s | grep -o '"uuid":"[^"]*"[^}]*"name":"Demo"' | head -n 1 | cut -d '"' -f 4)`, key, api)
	return []shellLine{
		{"create (compute)", fmt.Sprintf(`%s -H 'Content-Type: application/json' -H 'Idempotency-Key: demo' -d '{"name":"Demo","ask_price":0.02}' %s`, curl, api)},
		{"list (compute)", fmt.Sprintf(`%s %s`, curl, api)},
		{"start (compute)", fmt.Sprintf(`%s -X PATCH %s%s/start/`, curl, api, uuid)},
	}
}

// executionLines returns the lines for the execution API. Their instance has an
// id of its own choice, so a second create is refused.
func (g greeting) executionLines() []shellLine {
	curl := `curl -sS -w '\n' -H "Authorization: ApiKey ` + g.secret() + `"`
	api := g.url + execution.BasePath
	return []shellLine{
		{"create (execution)", fmt.Sprintf(`%s -X PUT -H 'Content-Type: application/json' -d '{"id":"%s","idRef":"%s","name":"Demo","mode":"ExecAsync","user":"%s","input":{"n":1}}' %s/create`,
			curl, demoID, demoModel, localKey, api)},
		{"get (execution)", fmt.Sprintf(`%s %s/get/%s`, curl, api, demoID)},
		{"list (execution)", fmt.Sprintf(`%s '%s/list?idRef=%s'`, curl, api, demoModel)},
	}
}

// topologyID returns the id that the topology instance of the printed lines
// has, or gets; it is empty where that is not known.
func (g greeting) topologyID(ctx context.Context, r repository) (string, error) {
	if g.fresh {
		return "1", nil
	}
	for i, err := range r.Search(ctx, instance.Query{Kind: topology.Kind(), Code: demoCode, Limit: 1}) {
		if err != nil {
			return "", fmt.Errorf("look for the instance %s: %w", demoCode, err)
		}
		return i.ID, nil
	}
	return "", nil
}

// quote quotes text for a shell where that is needed.
func quote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
