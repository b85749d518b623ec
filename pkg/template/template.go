package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Template is what template.yaml declares. Its slices are in the order of the
// file. It must not be changed, so it is safe for concurrent use.
type Template struct {
	Functions []Function
	Tables    []Table
	API       API
}

// Function is one AWS::Serverless::Function.
type Function struct {
	// LogicalID is the name of the resource, such as TopologyGet.
	LogicalID string
	// Name is the last element of Folder, such as topology-get.
	Name string
	// Folder is the package of the function, relative to the template and
	// with slashes: functions/topology-get.
	Folder string
	// Timeout is how long one invocation may take.
	Timeout  time.Duration
	MemoryMB int
	// Environment has every variable that the template sets. References are
	// resolved as [With] says.
	Environment map[string]string
	// Routes are the requests that the API passes to the function.
	Routes []Route
	// Schedules are the times at which the function runs without a request.
	Schedules []Schedule
	// OnFailure is the address of the queue for events, other than requests,
	// that the function keeps failing on, as in ${Queue.Arn}; or empty.
	OnFailure string
	// Statements are what the function's role allows.
	Statements []Statement
}

// Route is a method and a path of the API.
type Route struct {
	// Method is in upper case.
	Method string
	// Path is the path of the resource, with {parameters}, and does not end
	// in a slash.
	Path string
	// Stream is how long the function may stream its answer; 0 means that its
	// answers are buffered.
	Stream time.Duration
}

// An Option changes how a template is read.
type Option func(*document)

// With sets the value of a !Ref to name: a parameter, instead of its default; the
// physical name of a resource, instead of its logical ID; or a pseudo parameter
// such as AWS::StackName.
func With(name, value string) Option {
	return func(d *document) { d.given[name] = value }
}

// Load reads the template at path. Its error lists everything that is wrong.
func Load(path string, options ...Option) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	t, err := Parse(data, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads a template. Its error lists everything that is wrong.
func Parse(data []byte, options ...Option) (*Template, error) {
	var file yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse template: there is more than one document in the file")
	}
	if alias := circular(&file, nil); alias != nil {
		return nil, fmt.Errorf("parse template: the anchor %q (line %d) is inside itself", alias.Value, alias.Line)
	}
	d := &document{given: map[string]string{}, decided: map[string]bool{}, mocks: map[*yaml.Node]*Mock{}}
	d.conditions = node{nil, "Conditions", d}
	for _, o := range options {
		o(d)
	}
	t := d.template(node{file.Content[0], "", d})
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return t, nil
}

// circular returns an alias below y that stands inside its own anchor, or nil.
// Reading one would not end. open are the nodes around y.
func circular(y *yaml.Node, open []*yaml.Node) *yaml.Node {
	if slices.Contains(open, y.Alias) {
		return y
	}
	open = append(open, y)
	for _, c := range y.Content {
		if alias := circular(c, open); alias != nil {
			return alias
		}
	}
	return nil
}

// Function returns the function with that name, such as topology-get, or logical
// ID.
func (t *Template) Function(name string) (Function, bool) {
	return find(t.Functions, func(f Function) bool { return f.Name == name || f.LogicalID == name })
}

// Table returns the table with that logical ID.
func (t *Template) Table(logicalID string) (Table, bool) {
	return find(t.Tables, func(b Table) bool { return b.LogicalID == logicalID })
}

func find[T any](all []T, wanted func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(all, wanted); i >= 0 {
		return all[i], true
	}
	return found, false
}

func (d *document) template(root node) *Template {
	root.allow("AWSTemplateFormatVersion", "Transform", "Description", "Metadata",
		"Parameters", "Rules", "Conditions", "Globals", "Resources", "Outputs")
	if got := root.at("Transform").text(); got != "AWS::Serverless-2016-10-31" {
		root.at("Transform").fail("is %q, which is not understood", got)
	}
	d.parameters = root.at("Parameters")
	d.conditions = root.at("Conditions")
	d.resources = root.at("Resources")
	d.globals = root.at("Globals")
	d.globals.allow("Function", "Api")

	t := &Template{}
	apis := 0
	for _, r := range d.resources.entries() {
		kind := r.value.at("Type").text()
		attributes := []string{"Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"}
		if kind == "AWS::IAM::Role" || isUnread(kind) {
			attributes = append(attributes, "Condition")
		}
		r.value.allow(attributes...)
		properties := r.value.at("Properties")
		switch {
		case isUnread(kind):
			// Not read, so its properties may be any.
		case kind == "AWS::Serverless::Function":
			t.Functions = append(t.Functions, d.function(r.key, r.value, d.globals.at("Function")))
		case kind == "AWS::Serverless::Api":
			apis++
			t.API = d.api(r.key, properties, d.globals.at("Api"))
		case kind == "AWS::DynamoDB::Table":
			t.Tables = append(t.Tables, d.table(r.key, properties))
		case kind == "AWS::IAM::Role":
			// Read with the function or the schedule that has it.
		case kind == "AWS::SQS::Queue":
			properties.allow("MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId", "Tags")
			if encrypted := properties.at("SqsManagedSseEnabled"); !encrypted.yes() && !properties.at("KmsMasterKeyId").there() {
				encrypted.fail("must be true where there is no KmsMasterKeyId")
			}
		default:
			r.value.at("Type").fail("%q is not understood", kind)
		}
	}
	if apis > 1 {
		d.resources.fail("hold %d APIs, and one is understood", apis)
	}
	d.connect(t)
	return t
}

// isUnread reports whether resources of that type affect no request, table or
// permission of a function.
func isUnread(kind string) bool {
	switch kind {
	case
		"AWS::ApiGateway::Account",
		"AWS::ApiGateway::BasePathMapping",
		"AWS::ApiGateway::DomainName",
		"AWS::CloudWatch::Alarm",
		"AWS::CloudWatch::Dashboard",
		"AWS::Logs::LogGroup",
		"AWS::Logs::MetricFilter",
		"AWS::SNS::Subscription",
		"AWS::SNS::Topic",
		"AWS::WAFv2::WebACLAssociation":
		return true
	}
	return false
}
