package browsertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
)

// serve serves the whole API, below the name of its stage or not, and returns its
// origin and the secret of a key called visitor.
func serve(t *testing.T, stageInPath bool) (origin, secret string) {
	t.Helper()
	tmpl, err := template.Load(filepath.Join("..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Open(filepath.Join(t.TempDir(), "instances.db"), bolt.Options{Now: time.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	secret, err = auth.Mint(t.Context(), r, auth.NewKey{Name: "visitor", Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	functions, err := local.New(tmpl, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := gateway.New(tmpl, functions, gateway.Options{StageInPath: stageInPath})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL, secret
}

// story is what a visitor does with one API.
type story struct {
	api string
	// scheme is what the page says above the fields for the credentials, and
	// credentials what goes into them.
	scheme      string
	credentials []string
	// body creates an instance, with the id in the member of the answer.
	body, member string
	// parameter is the id's of the operation getInstance.
	parameter string
}

// The page shows every operation of each API, and a visitor with a key creates an
// instance and reads it, wherever the API is. Nothing is loaded from elsewhere,
// and nothing goes wrong in the browser.
func TestPage(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	below, secretBelow := serve(t, true)
	bare, secretBare := serve(t, false)
	for _, test := range []struct {
		origin, path string
		story
	}{
		{below, "/live", story{
			"topology", "basic",
			[]string{"visitor", secretBelow},
			`{"instanceName": "Shown", "instanceCode": "SHOWN"}`, "instanceId", "Id",
		}},
		{below, "/live", story{
			"compute", "token",
			[]string{"Token " + secretBelow},
			`{"name": "Shown", "ask_price": 0.02}`, "uuid", "uuid",
		}},
		{bare, "", story{
			"execution", "apikey",
			[]string{"ApiKey " + secretBare},
			`{"idRef": "R", "name": "Shown", "mode": "ExecAsync", "user": "U", "input": {"n": 1}}`, "id", "id",
		}},
	} {
		t.Run(test.api, func(t *testing.T) {
			t.Parallel()
			base := test.origin + test.path
			// The slash leads elsewhere, and the choice stays.
			p := openTab(browser, t, base+"/docs/?urls.primaryName="+test.api)
			if got := until[string](p, `return location.pathname`); got != test.path+"/docs" {
				t.Errorf("the page is at %s", got)
			}
			p.showsOperations(base + "/openapi/" + test.api + ".json")
			p.authorize(test.story)
			p.createsAndReads(test.story)
			p.check(test.origin)
		})
	}
}

// operations returns those of the document at an address: method and path.
func operations(t *testing.T, address string) []string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var all []string
	for path, item := range document.Paths {
		for method := range item {
			if method != "parameters" {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return all
}

// showsOperations checks that the page shows all operations of a document, each
// with its answers.
func (p *tab) showsOperations(document string) {
	p.t.Helper()
	want := operations(p.t, document)
	until[bool](p, fmt.Sprintf(`return document.querySelectorAll(".opblock").length >= %d`, max(len(want), 1)))
	got := until[[]string](p, `return [...document.querySelectorAll(".opblock")].map((o) =>
		o.querySelector(".opblock-summary-method").textContent + " " + o.querySelector("[data-path]").dataset.path)`)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		p.t.Errorf("the page shows %q, the document has %q", got, want)
	}
	if os.Getenv("CI") == "true" {
		p.opensOperations(len(want))
	}
}

// opensOperations opens all operations of which the page shows n. That takes long:
// Swagger UI resolves the references of each.
func (p *tab) opensOperations(n int) {
	p.t.Helper()
	const toggle = `document.querySelectorAll(".opblock-summary-control").forEach((o) => o.click())`
	p.do("open all", chromedp.Evaluate[chromedp.Void](toggle))
	until[bool](p, fmt.Sprintf(`return document.querySelectorAll(".opblock:has(.responses-table .response)").length === %d`, n))
	// A parameter without a place is one that is not resolved.
	if wrong := until[string](p, `return "wrong: " + [...document.querySelectorAll(".errors-wrapper, .fallback, .parameter__in")].
		map((e) => e.textContent).filter((text) => !/^\((path|query|header)\)$/.test(text))`); wrong != "wrong: " {
		p.t.Error(wrong)
	}
	p.do("close all", chromedp.Evaluate[chromedp.Void](toggle))
	until[bool](p, `return !document.querySelector(".opblock.is-open")`)
}

// authorize gives the page a key.
func (p *tab) authorize(s story) {
	p.t.Helper()
	const form = "[data-chosen]"
	p.do("open the dialogue", chromedp.Click(chromedp.CSS(".auth-wrapper .authorize")))
	until[bool](p, fmt.Sprintf(`
		const form = [...document.querySelectorAll(".auth-container form")].find((f) => f.querySelector("h4 code").textContent === %q);
		form?.setAttribute("data-chosen", "");
		return !!form;
	`, s.scheme))
	for i, text := range s.credentials {
		field := fmt.Sprintf("%s .wrapper:nth-last-of-type(%d) input", form, len(s.credentials)-i)
		p.do("enter the credentials", chromedp.WaitVisible(chromedp.CSS(field)), replaceText(field, text))
	}
	p.do("authorize", chromedp.Click(chromedp.CSS(form+" .authorize")))
	// The dialogue shows another form then.
	p.do("close the dialogue", chromedp.WaitNotPresent(chromedp.CSS(form+" input")), chromedp.Click(chromedp.CSS(".modal-ux .btn-done")),
		chromedp.WaitNotPresent(chromedp.CSS(".modal-ux")))
}

// createsAndReads tries out two operations: one creates an instance, the other
// reads it.
func (p *tab) createsAndReads(s story) {
	p.t.Helper()
	p.tryOut("createInstance", "textarea.body-param__text", s.body)
	created := p.execute("createInstance")
	id := strings.Trim(string(created[s.member]), `"`)
	if id == "" {
		p.t.Fatalf("no instance was created: %s", created)
	}
	p.tryOut("getInstance", fmt.Sprintf("[data-param-name=%q] input", s.parameter), id)
	read := p.execute("getInstance")
	if got := strings.Trim(string(read[s.member]), `"`); got != id || !strings.Contains(fmt.Sprintf("%s", read), "Shown") {
		p.t.Errorf("%s was created, and %s read", id, read)
	}
}

// operation is the selector of an operation on the page.
func operation(id string) string { return fmt.Sprintf(".opblock[id$=-%s]", id) }

// tryOut opens an operation and fills in a field.
func (p *tab) tryOut(id, field, text string) {
	p.t.Helper()
	block := operation(id)
	p.do("open "+id,
		chromedp.Click(chromedp.CSS(block+" .opblock-summary-control")),
		chromedp.Click(chromedp.CSS(block+" .try-out__btn")),
		chromedp.WaitEnabled(chromedp.CSS(block+" "+field)),
		replaceText(block+" "+field, text))
}

// replaceText replaces what is in a field, in one step: the page computes much
// after each.
func replaceText(field, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).select()", field)),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
			return err
		}))
}

// execute sends the request of an operation, and returns what the answer has,
// which is a success.
func (p *tab) execute(id string) map[string]json.RawMessage {
	p.t.Helper()
	live := operation(id) + " .live-responses-table tbody "
	p.do("execute "+id, chromedp.Click(chromedp.CSS(operation(id)+" .execute")))
	// The page says next to the status if the document lacks it.
	status := until[string](p, fmt.Sprintf(`return document.querySelector(%q)?.textContent`, live+".response-col_status"))
	text := until[string](p, fmt.Sprintf(`return document.querySelector(%q)?.textContent`, live+".highlight-code code"))
	var answer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != "200" && status != "201" {
		p.t.Fatalf("%s is answered %s %s", id, status, text)
	}
	return answer
}
