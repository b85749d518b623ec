package template

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// API is the REST API: the body of the AWS::Serverless::Api, merged with the
// functions' events.
type API struct {
	LogicalID string
	// Stage is the name of the only stage.
	Stage string
	// CompressFrom is the size in bytes from which bodies of answers are
	// compressed for clients that accept it; 0 means never.
	CompressFrom int
	// AccessLog is the format of its access log, or empty.
	AccessLog string
	// Resources are in the order of the file.
	Resources []Resource
	// GatewayResponses are by type, such as DEFAULT_5XX.
	GatewayResponses map[string]GatewayResponse
}

// Resource is a path of the API and its methods.
type Resource struct {
	// Path has {parameters}; a last segment of the form {name+} is greedy.
	Path string
	// Methods are by name in upper case; [AnyMethod] stands for the others.
	Methods map[string]Method
}

// maxCompressFrom is the largest that API Gateway accepts.
const maxCompressFrom = 10 << 20

// AnyMethod is the key of the method for requests that no other method takes.
const AnyMethod = "ANY"

func isMethod(name string) bool {
	switch name {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return true
	}
	return false
}

// Method is what a resource does with a request. Either Function or Mock is
// set.
type Method struct {
	// Function is the logical ID of the function that answers.
	Function string
	// Stream is how long the function may stream its answer; 0 means that its
	// answers are buffered.
	Stream time.Duration
	// Mock is the gateway's own answer.
	Mock *Mock
}

func (d *document) api(id string, p, globals node) API {
	p.allow("Name", "StageName", "EndpointConfiguration", "MergeDefinitions", "DefinitionBody",
		"MinimumCompressionSize", "SecurityPolicy", "EndpointAccessMode", "TracingEnabled", "MethodSettings", "AccessLogSetting", "Tags", "OpenApiVersion")
	globals.allow("OpenApiVersion")
	if !p.at("MergeDefinitions").yes() {
		p.at("MergeDefinitions").fail("must be true")
	}
	body := p.at("DefinitionBody")
	body.allow("swagger", "info", "paths", "x-amazon-apigateway-endpoint-configuration", "x-amazon-apigateway-gateway-responses")
	if body.at("swagger").text() != "2.0" {
		body.at("swagger").fail("must be 2.0")
	}
	api := API{LogicalID: id, Stage: p.at("StageName").text(), GatewayResponses: map[string]GatewayResponse{}}
	api.AccessLog = p.at("AccessLogSetting").at("Format").textIfAny()
	if size := p.at("MinimumCompressionSize"); size.there() {
		if api.CompressFrom = size.number(); api.CompressFrom < 1 || api.CompressFrom > maxCompressFrom {
			size.fail("must be from 1 to %d", maxCompressFrom)
		}
	}
	for _, s := range p.at("MethodSettings").items() {
		s.allow("ResourcePath", "HttpMethod", "ThrottlingRateLimit", "ThrottlingBurstLimit", "MetricsEnabled")
	}
	for _, r := range body.at("paths").entries() {
		checkPath(r.value, r.key)
		resource := Resource{Path: r.key, Methods: map[string]Method{}}
		for _, m := range r.value.entries() {
			name := strings.ToUpper(m.key)
			if m.key == "x-amazon-apigateway-any-method" {
				name = AnyMethod
			} else if !isMethod(name) || name == m.key {
				m.value.fail("is not understood")
			}
			m.value.allow("responses", "x-amazon-apigateway-integration", "description", "summary")
			resource.Methods[name] = Method{Mock: d.mock(m.value)}
		}
		api.Resources = append(api.Resources, resource)
	}
	for _, g := range body.at("x-amazon-apigateway-gateway-responses").entries() {
		api.GatewayResponses[g.key] = gatewayResponse(g.key, g.value)
	}
	return api
}

// connect merges the events of the functions into the API.
func (d *document) connect(t *Template) {
	for _, f := range t.Functions {
		place := d.resources.at(f.LogicalID).at("Properties").at("Events")
		for _, r := range f.Routes {
			i := slices.IndexFunc(t.API.Resources, func(x Resource) bool { return x.Path == r.Path })
			if i < 0 {
				i = len(t.API.Resources)
				t.API.Resources = append(t.API.Resources, Resource{r.Path, map[string]Method{}})
			}
			m := t.API.Resources[i].Methods[r.Method]
			if m.Function != "" || m.Mock != nil {
				place.fail("route %s %s, which has another answer already", r.Method, r.Path)
			}
			m.Function, m.Stream = f.LogicalID, r.Stream
			t.API.Resources[i].Methods[r.Method] = m
		}
	}
	place := d.resources.at(t.API.LogicalID)
	variables := map[string]string{}
	for _, r := range t.API.Resources {
		// API Gateway allows one variable at each place in the tree.
		parent := ""
		for segment := range strings.SplitSeq(strings.TrimPrefix(r.Path, "/"), "/") {
			if strings.HasPrefix(segment, "{") {
				if other, ok := variables[parent]; ok && other != segment {
					place.fail("has the variables %s and %s side by side below %s/", other, segment, parent)
				}
				variables[parent] = segment
			}
			parent += "/" + segment
		}
	}
}

// The segments of paths that API Gateway allows.
var (
	literal = regexp.MustCompile(`^[A-Za-z0-9._:~-]+$`)
	single  = regexp.MustCompile(`^\{[A-Za-z0-9._-]+\}$`)
	greedy  = regexp.MustCompile(`^\{[A-Za-z0-9._-]+\+\}$`)
)

func checkPath(n node, path string) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		n.fail("%q does not start with a slash", path)
		return
	}
	if rest == "" {
		return
	}
	if strings.HasSuffix(rest, "/") {
		n.fail("%q ends in a slash: API Gateway serves the path without it for both", path)
		return
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		if !literal.MatchString(s) && !single.MatchString(s) && (!last || !greedy.MatchString(s)) {
			n.fail("%q has the segment %q, which is not understood", path, s)
		}
	}
}
