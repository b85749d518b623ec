package template

import (
	"path"
	"strings"
	"time"
)

// Lambda's own defaults.
const (
	defaultTimeout = 3
	defaultMemory  = 128
)

func (d *document) function(id string, resource, globals node) Function {
	p := resource.at("Properties")
	p.allow("CodeUri", "Description", "Role", "Events", "Environment", "MemorySize", "Timeout",
		"Runtime", "Handler", "Architectures", "LoggingConfig", "Tags",
		"AutoPublishAlias", "AutoPublishAliasAllProperties", "EventInvokeConfig")
	globals.allow("Environment", "MemorySize", "Timeout", "Runtime", "Handler", "Architectures", "LoggingConfig", "Tags",
		"Tracing", "AutoPublishAlias", "AutoPublishAliasAllProperties", "DeploymentPreference")
	setting := func(name string) node {
		if own := p.at(name); own.there() {
			return own
		}
		return globals.at(name)
	}

	folder := p.at("CodeUri").text()
	f := Function{
		LogicalID:   id,
		Name:        path.Base(folder),
		Folder:      folder,
		Timeout:     defaultTimeout * time.Second,
		MemoryMB:    defaultMemory,
		Environment: map[string]string{},
	}
	if folder != "functions/"+f.Name {
		p.at("CodeUri").fail("is %q, not functions/NAME", folder)
	}
	if runtime := setting("Runtime"); runtime.text() != "provided.al2023" {
		runtime.fail("must be provided.al2023")
	}
	if handler := setting("Handler"); handler.text() != "bootstrap" {
		handler.fail("must be bootstrap")
	}
	if method := resource.at("Metadata").at("BuildMethod"); method.text() != "go1.x" {
		method.fail("must be go1.x")
	}
	if s := setting("Timeout"); s.there() {
		f.Timeout = time.Duration(s.number()) * time.Second
	}
	if s := setting("MemorySize"); s.there() {
		f.MemoryMB = s.number()
	}
	for _, environment := range []node{globals.at("Environment"), p.at("Environment")} {
		environment.allow("Variables")
		for _, v := range environment.at("Variables").entries() {
			f.Environment[v.key] = v.value.text()
		}
	}
	for _, e := range p.at("Events").entries() {
		e.value.allow("Type", "Properties")
		switch kind := e.value.at("Type").text(); kind {
		case "Api":
			r := d.route(e.value.at("Properties"))
			if r.Stream != 0 && r.Stream != f.Timeout {
				setting("Timeout").fail("is not that of the stream %s, so that the shorter one cuts answers off", r.Stream)
			}
			f.Routes = append(f.Routes, r)
		case "ScheduleV2":
			f.Schedules = append(f.Schedules, d.schedule(e.value.at("Properties")))
		default:
			e.value.at("Type").fail("%q is not understood", kind)
		}
	}
	f.OnFailure = d.onFailure(p.at("EventInvokeConfig"))
	if alias := setting("AutoPublishAlias"); alias.there() && !setting("AutoPublishAliasAllProperties").yes() {
		alias.fail("needs AutoPublishAliasAllProperties, or it misses new values of parameters")
	}
	f.Statements = d.statements(p.at("Role"))
	return f
}

func (d *document) route(p node) Route {
	p.allow("RestApiId", "Path", "Method", "ResponseTransferMode", "TimeoutInMillis")
	id := p.at("RestApiId")
	if d.resources.at(id.text()).at("Type").textIfAny() != "AWS::Serverless::Api" {
		id.fail("is not an API of this template")
	}
	r := Route{strings.ToUpper(p.at("Method").text()), p.at("Path").text(), stream(p)}
	if !isMethod(r.Method) {
		p.at("Method").fail("%q is not understood", r.Method)
	}
	checkPath(p.at("Path"), r.Path)
	return r
}

// maxStream is how long API Gateway lets a function stream an answer.
const maxStream = 15 * time.Minute

// stream reads how long a function may stream its answers to an event.
func stream(p node) time.Duration {
	mode, limit := p.at("ResponseTransferMode"), p.at("TimeoutInMillis")
	if !mode.there() {
		if limit.there() {
			limit.fail("is understood only with ResponseTransferMode")
		}
		return 0
	}
	if mode.text() != "RESPONSE_STREAM" {
		mode.fail("must be RESPONSE_STREAM: with anything else SAM integrates the function without streaming")
	}
	if !limit.there() {
		limit.fail("is missing: API Gateway would cut the stream off after 29 s")
		return 0
	}
	d := time.Duration(limit.number()) * time.Millisecond
	if d <= 0 || d > maxStream {
		limit.fail("must be from 1 to %d", maxStream.Milliseconds())
	}
	return d
}

// hasAlias reports whether a function has an alias, of its own or from Globals.
func (d *document) hasAlias(function string) bool {
	resource := d.resources.at(function)
	return resource.at("Type").textIfAny() == "AWS::Serverless::Function" &&
		(d.globals.at("Function").at("AutoPublishAlias").there() || resource.at("Properties").at("AutoPublishAlias").there())
}
