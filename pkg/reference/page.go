package reference

import (
	"compress/gzip"
	_ "embed" // for the page
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"
)

// The page itself. Its script and its style are files too, because the policy
// allows nothing inline.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.js
	pageScript string
	//go:embed page.css
	pageStyle string
)

// addPage adds the page and its files. Swagger UI is embedded compressed, and is
// served as text: API Gateway and its emulation compress answers for those who
// accept it, and would take compressed bytes for broken text.
func (h *handler) addPage() {
	const script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	own := func(text string) func() string { return func() string { return text } }
	swagger := func(name string) func() string { return func() string { return unzipped(name) } }
	h.files["docs/swagger-ui.css"] = newFile(style, swagger("swagger-ui.css"))
	h.files["docs/swagger-ui-bundle.js"] = newFile(script, swagger("swagger-ui-bundle.js"))
	h.files["docs/swagger-ui-standalone-preset.js"] = newFile(script, swagger("swagger-ui-standalone-preset.js"))
	h.files["docs/page.css"] = newFile(style, own(pageStyle))
	h.files["docs/page.js"] = newFile(script, own(pageScript))
	h.version = sync.OnceValue(func() string {
		return hash(pageScript, pageStyle, zipped("swagger-ui.css"), zipped("swagger-ui-bundle.js"), zipped("swagger-ui-standalone-preset.js"))
	})
	h.files["docs"] = newFile("text/html; charset=utf-8", func() string {
		var names []string
		for _, d := range documents() {
			names = append(names, d.name)
		}
		return strings.NewReplacer("DOCUMENTS", strings.Join(names, " "), "VERSION", h.version()).Replace(pageHTML)
	})
}

// zipped returns a file of Swagger UI as it is embedded.
func zipped(name string) string {
	data, err := static.FS.ReadFile(name + ".gz")
	if err != nil {
		panic(fmt.Errorf("embedded file: %w", err))
	}
	return string(data)
}

// unzipped returns a file of Swagger UI.
func unzipped(name string) string {
	var text strings.Builder
	r, err := gzip.NewReader(strings.NewReader(zipped(name)))
	if err == nil {
		_, err = io.Copy(&text, r)
	}
	if err != nil {
		panic(fmt.Errorf("embedded file %s: %w", name, err))
	}
	return text.String()
}
