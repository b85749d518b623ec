package serving

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
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
	// exposed says that other machines can reach the server.
	exposed bool
}

// print prints what is served, where the key is, and a line for each API to
// paste into a shell. A line that is pasted again creates nothing more.
func (g greeting) print(w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "Serving %s on %s. Press Ctrl-C to stop.\n", g.url, g.place)
	if g.exposed {
		b.WriteString("Other machines can reach this address, and what they send is not encrypted, secrets included.\n")
	}
	if g.note != "" {
		b.WriteString(g.note + "\n")
	}
	key := filepath.Join(g.dir, localKeyFile)
	fmt.Fprintf(&b, "The secret of the key %s is in %s.\n", LocalKey, key)
	fmt.Fprintf(&b, "To read about the APIs and try them in a browser, open %s/docs.\n", g.url)
	b.WriteString("\nTo try each API, paste a line into another shell in this folder:\n\n")
	for _, line := range g.lines(`$(cat ` + quote(key) + `)`) {
		b.WriteString(line + "\n")
	}
	// The server serves even if nobody can read this.
	_, _ = io.WriteString(w, b.String())
}

// lines returns a line for each API. The shell replaces secret, within double
// quotes, by the secret of the key local.
func (g greeting) lines(secret string) []string {
	const curl, json = `curl -sS -w '\n'`, `-H 'Content-Type: application/json'`
	return []string{
		fmt.Sprintf(`%s -u "%s:%s" %s -d '{"instanceName":"Demo","instanceCode":"DEMO"}' %s`,
			curl, LocalKey, secret, json, g.url+topology.BasePath),
		// Names are not unique here: the key makes a repeat harmless.
		fmt.Sprintf(`%s -H "Authorization: Token %s" %s -H 'Idempotency-Key: demo' -d '{"name":"Demo","ask_price":0.02}' %s/`,
			curl, secret, json, g.url+compute.BasePath),
		fmt.Sprintf(`%s -H "Authorization: ApiKey %s" -X PUT %s -d '{"id":"demo","idRef":"model-1","name":"Demo","mode":"ExecAsync","user":"%s","input":{"n":1}}' %s/create`,
			curl, secret, json, LocalKey, g.url+execution.BasePath),
	}
}

// quote quotes text for a shell where that is needed.
func quote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
