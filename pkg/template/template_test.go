package template_test

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"instances/pkg/template"
)

func load(t *testing.T, options ...template.Option) *template.Template {
	t.Helper()
	tmpl, err := template.Load("testdata/small.yaml", options...)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is\n%#v, want\n%#v", what, got, want)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	statements := []template.Statement{{
		Actions:   []string{"dynamodb:Query"},
		Resources: []string{"${Table.Arn}", "${Table.Arn}/index/XIndex"},
		Conditions: map[string]map[string][]string{
			"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": {"TransactWriteItems"}},
		},
	}}
	check(t, "Functions", load(t).Functions, []template.Function{
		{
			LogicalID: "ThingGet", Name: "thing-get", Folder: "functions/thing-get",
			Timeout: 10 * time.Second, MemoryMB: 256,
			Environment: map[string]string{"TABLE_NAME": "Table", "DAYS": "365", "PLACE": "us-east-1/365/${Days}"},
			Routes:      []template.Route{{Method: "GET", Path: "/things/{Id}"}},
			Statements:  statements,
		},
		{
			LogicalID: "ThingPut", Name: "thing-put", Folder: "functions/thing-put",
			Timeout: 20 * time.Second, MemoryMB: 128,
			Environment: map[string]string{"TABLE_NAME": "Table", "DAYS": "7", "PLACE": "us-east-1/365/${Days}"},
			Routes:      []template.Route{{Method: "PUT", Path: "/things/{Id}"}, {Method: "POST", Path: "/things", Stream: 20 * time.Second}},
			Statements:  statements,
		},
		{
			LogicalID: "ThingSweep", Name: "thing-sweep", Folder: "functions/thing-sweep",
			Timeout: 10 * time.Second, MemoryMB: 128,
			Environment: map[string]string{"TABLE_NAME": "Table", "DAYS": "365", "PLACE": "us-east-1/365/${Days}"},
			Schedules: []template.Schedule{{
				Expression: "rate(1 day)", Input: `{"a": 1}`, DeadLetters: "${Failures.Arn}",
				Statements: []template.Statement{{
					Actions: []string{"lambda:InvokeFunction"}, Resources: []string{"${ThingSweep.Alias}"},
					Conditions: map[string]map[string][]string{},
				}},
			}},
			OnFailure:  "${Failures.Arn}",
			Statements: statements,
		},
	})
}

func TestScheduleEvent(t *testing.T) {
	t.Parallel()
	s := template.Schedule{Input: `{"a": 1, "time": "<aws.scheduler.scheduled-time>"}`}
	at := time.Date(2026, 3, 4, 6, 6, 7, 8, time.FixedZone("", 3600))
	if got, want := string(s.Event(at)), `{"a": 1, "time": "2026-03-04T05:06:07Z"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFunctionByName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"thing-put", "ThingPut"} {
		if f, ok := load(t).Function(name); !ok || f.LogicalID != "ThingPut" {
			t.Errorf("Function(%q) = %q, %t", name, f.LogicalID, ok)
		}
	}
	if _, ok := load(t).Function("thing"); ok {
		t.Error(`Function("thing") found one`)
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	f, _ := load(t, template.With("Table", "test-1"), template.With("Days", "2"), template.With("AWS::Region", "r")).Function("thing-get")
	check(t, "Environment", f.Environment, map[string]string{"TABLE_NAME": "test-1", "DAYS": "2", "PLACE": "r/2/${Days}"})
}

func TestTables(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	check(t, "Tables", tmpl.Tables, []template.Table{{
		LogicalID:  "Table",
		Attributes: []template.Attribute{{Name: "pk", Type: "S"}, {Name: "sk", Type: "S"}, {Name: "xpk", Type: "N"}},
		Key:        template.Key{Partition: "pk", Sort: "sk"},
		Indexes: []template.Index{{
			Name: "XIndex", Key: template.Key{Partition: "xpk"}, Projection: "INCLUDE", NonKeyAttributes: []string{"x", "y"},
		}},
		Expiry: "expires",
	}})
	table, ok := tmpl.Table("Table")
	if _, found := table.Index("XIndex"); !ok || !found {
		t.Error("the table and its index are not found by name")
	}
	if _, found := table.Index("YIndex"); found {
		t.Error("an index is found that is not there")
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	check(t, "API", load(t).API, template.API{
		LogicalID: "API", Stage: "live",
		Resources: []template.Resource{
			{Path: "/things/{Id}", Methods: map[string]template.Method{
				"GET": {Function: "ThingGet"},
				"PUT": {Function: "ThingPut"},
				template.AnyMethod: {Mock: &template.Mock{
					Status:       405,
					Headers:      map[string]string{"Allow": "GET, PUT", "Content-Type": "application/problem+json"},
					Body:         `{"status":405}`,
					ContentTypes: []string{"application/json", "text/plain"},
				}},
			}},
			{Path: "/things", Methods: map[string]template.Method{"POST": {Function: "ThingPut", Stream: 20 * time.Second}}},
		},
		GatewayResponses: map[string]template.GatewayResponse{
			"THROTTLED": {
				Status:  429,
				Headers: map[string]string{"Retry-After": "1", "Content-Type": "application/json"},
				Body:    `{"detail":$context.error.messageString}`,
			},
		},
	})
}

// What is not understood is refused, with its place.
func TestRefusals(t *testing.T) {
	t.Parallel()
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(` \(line \d+\)`) // TestAllErrorsAtOnce has lines.
	for _, test := range []struct{ name, old, new, want string }{
		{"transform", "Transform: AWS::Serverless-2016-10-31", "Transform: Other", `Transform is "Other"`},
		{"section", "Globals:", "Mappings: {}\nGlobals:", "Mappings is not understood"},
		{"resource type", "Type: AWS::CloudWatch::Alarm", "Type: AWS::EC2::Instance", `Resources.FailuresAlarm.Type "AWS::EC2::Instance" is not understood`},
		{"condition", "Type: AWS::IAM::Role", "Type: AWS::IAM::Role\n    Condition: X", "Resources.ThingRole.Condition is not understood"},
		{"function property", "MemorySize: 256", "Layers: []", "Resources.ThingGet.Properties.Layers is not understood"},
		{"table property", "BillingMode: PAY_PER_REQUEST", "LocalSecondaryIndexes: []", "Resources.Table.Properties.LocalSecondaryIndexes"},
		{"index property", "IndexName: XIndex", "IndexName: XIndex\n          ContributorInsightsSpecification: {}", "GlobalSecondaryIndexes[0].ContributorInsightsSpecification"},
		{"condition of a table", "Type: AWS::DynamoDB::Table", "Type: AWS::DynamoDB::Table\n    Condition: X", "Resources.Table.Condition is not understood"},
		{"condition of a function", "Type: AWS::Serverless::Function", "Type: AWS::Serverless::Function\n    Condition: X", "Resources.ThingGet.Condition is not understood"},
		{"compression of everything", "MergeDefinitions: true", "MergeDefinitions: true\n      MinimumCompressionSize: 0", "MinimumCompressionSize must be from 1"},
		{"compression of nothing", "MergeDefinitions: true", "MergeDefinitions: true\n      MinimumCompressionSize: 10485761", "must be from 1 to 10485760"},
		{"method setting", "MergeDefinitions: true", "MergeDefinitions: true\n      MethodSettings: [{CachingEnabled: true}]", "MethodSettings[0].CachingEnabled is not understood"},
		{"reserved concurrency", "Timeout: 20", "ReservedConcurrentExecutions: 1", "ReservedConcurrentExecutions is not understood"},
		{"billing", "PAY_PER_REQUEST", "PROVISIONED", "must be PAY_PER_REQUEST"},
		{"undefined key", "- {AttributeName: xpk, AttributeType: N}", "", `lack the key attribute "xpk"`},
		{"unused attribute", "{AttributeName: xpk, AttributeType: N}", "{AttributeName: xpk, AttributeType: N}\n        - {AttributeName: z, AttributeType: S}", `have "z", which is in no key`},
		{"key type", "KeyType: RANGE", "KeyType: SORT", `is "SORT"`},
		{"no hash key", "- {AttributeName: pk, KeyType: HASH}", "", "has no HASH key"},
		{"unknown reference", "!Ref Table", "!Ref Tabel", `Globals.Function.Environment.Variables.TABLE_NAME refers to "Tabel"`},
		{"unknown attribute", "!GetAtt Table.Arn", "!GetAtt Tabel.Arn", `refers to "Tabel.Arn"`},
		{"default that refers to itself", "Default: 365", "Default: !Ref Days", "Parameters.Days.Default must be a plain value"},
		{"anchor in itself", "!If [Always, !Ref StageName, other]", "&a !If [Always, *a, other]", `the anchor "a" is inside itself`},
		{"condition in itself", "!Equals [a, a]", "&a !Not [*a]", `the anchor "a" is inside itself`},
		{"long form", "!Ref Days", "{Ref: Days}", "must be one value"},
		{"other function", "!Ref Days", "!ImportValue Days", "tag !ImportValue"},
		{"twice", "MemorySize: 256", "MemorySize: 256\n      MemorySize: 128", `has the key "MemorySize" twice`},
		{"merge key", "MemorySize: 256", "<<: {MemorySize: 256}", "has a key that is not understood"},
		{"no number", "MemorySize: 256", "MemorySize: much", "not a whole number"},
		{"no list", "NonKeyAttributes: [x, y]", "NonKeyAttributes: {x: y}", "must be a list"},
		{"no mapping", "Variables: {DAYS: '7'}", "Variables: [DAYS]", "must be a mapping"},
		{"folder", "CodeUri: functions/thing-get", "CodeUri: src/thing-get", "not functions/NAME"},
		{"handler", "Handler: bootstrap", "Handler: main", "must be bootstrap"},
		{"runtime", "provided.al2023", "provided.al2", "must be provided.al2023"},
		{"build method", "BuildMethod: go1.x", "BuildMethod: makefile", "must be go1.x"},
		{"role", "Role: !GetAtt ThingRole.Arn", "Role: !Sub 'arn:x'", "must be !GetAtt"},
		{"role of another type", "Role: !GetAtt ThingRole.Arn", "Role: !GetAtt Table.Arn", "must be !GetAtt"},
		{"deny", "Effect: Allow", "Effect: Deny", `"Deny" is not understood`},
		{"statement", "Effect: Allow", "NotAction: x\n                Effect: Allow", "NotAction is not understood"},
		{"event", "{Type: Api, Properties: {RestApiId: !Ref API, Path: /things,", "{Type: HttpApi, Properties: {RestApiId: !Ref API, Path: /things,", `"HttpApi" is not understood`},
		{"event method", "Path: /things, Method: post", "Path: /things, Method: any", `"ANY" is not understood`},
		// With these, SAM and API Gateway buffer answers or cut them off.
		{"mode of a stream", "RESPONSE_STREAM", "STREAM", "must be RESPONSE_STREAM"},
		{"no time for a stream", ", TimeoutInMillis: 20000", "", "TimeoutInMillis is missing"},
		{"too much time for a stream", "TimeoutInMillis: 20000", "TimeoutInMillis: 900001", "must be from 1 to 900000"},
		{"time without a stream", "ResponseTransferMode: RESPONSE_STREAM, ", "", "TimeoutInMillis is understood only with"},
		{"time of a stream and a function", "Timeout: 20\n", "Timeout: 19\n", "is not that of the stream 20s"},
		{"schedule property", "RetryPolicy: {", "GroupName: x\n            RetryPolicy: {", "Daily.Properties.GroupName is not understood"},
		{"retry property", "RetryPolicy: {MaximumRetryAttempts", "RetryPolicy: {Attempts", "RetryPolicy.Attempts is not understood"},
		{"window property", "{Mode: 'OFF'}", "{Mode: 'OFF', Minutes: 1}", "FlexibleTimeWindow.Minutes is not understood"},
		{"schedule's name", "OmitName: true", "OmitName: false", "must be true, or SAM gives"},
		{"schedule's time", "rate(1 day)", "daily", `is "daily", which is not a time`},
		{"schedule's input", `'{"a": 1}'`, `'{a: 1}'`, "Input is not JSON"},
		{"no input", `Input: '{"a": 1}'`, "", "Input is missing"},
		{"no dead letters", "DeadLetterConfig: {Arn: !GetAtt Failures.Arn}", "", "DeadLetterConfig.Arn is missing"},
		{"dead letters elsewhere", "{Arn: !GetAtt Failures.Arn}", "{Arn: !GetAtt Table.Arn}", "must be !GetAtt NAME.Arn of a queue"},
		{"schedule's role", "RoleArn: !GetAtt ScheduleRole.Arn", "RoleArn: !GetAtt Failures.Arn", "must be !GetAtt NAME.Arn of a role"},
		{"alias that there is not", "!Ref ThingSweep.Alias", "!Ref ThingGet.Alias", `refers to "ThingGet.Alias"`},
		{"stale alias", "AutoPublishAliasAllProperties: true", "", "AutoPublishAlias needs AutoPublishAliasAllProperties"},
		{"failures elsewhere", "Destination: !GetAtt Failures.Arn", "Destination: !GetAtt Table.Arn", "must be !GetAtt NAME.Arn of a queue"},
		{"failures to another service", "Type: SQS", "Type: SNS", "must be SQS"},
		{"invoke property", "MaximumRetryAttempts: 2", "Retries: 2", "EventInvokeConfig.Retries is not understood"},
		{"successes", "{OnFailure: {", "{OnSuccess: {}, OnFailure: {", "OnSuccess is not understood"},
		{"queue property", "{SqsManagedSseEnabled: true}", "{SqsManagedSseEnabled: true, FifoQueue: true}", "FifoQueue is not understood"},
		{"queue in the clear", "{SqsManagedSseEnabled: true}", "{}", "Failures.Properties.SqsManagedSseEnabled must be true"},
		{"unknown condition", "!If [Always,", "!If [Never,", "Conditions.Never is not a condition"},
		{"other condition", "!Equals [a, a]", "!Or [!Equals [a, a], !Equals [a, b]]", "Conditions.Always is not a condition"},
		{"what a condition leaves out", "CodeUri: functions/thing-get", "CodeUri: !If [Always, !Ref AWS::NoValue, functions/thing-get]", "ThingGet.Properties.CodeUri is missing"},
		{"event API", "RestApiId: !Ref API, Path: /things,", "RestApiId: !Ref Table, Path: /things,", "not an API"},
		{"trailing slash", "Path: /things,", "Path: /things/,", `"/things/" ends in a slash`},
		{"relative path", "Path: /things,", "Path: things,", "does not start with a slash"},
		{"greedy inside", "Path: /things,", "Path: '/{x+}/things',", `segment "{x+}"`},
		{"half a parameter", "Path: /things,", "Path: '/a{x}',", `segment "a{x}"`},
		{"variables side by side", "Path: /things,", "Path: '/things/{Name}/x',", "{Id} and {Name} side by side below /things/"},
		{"route twice", "Path: '/things/{Id}', Method: put", "Path: '/things/{Id}', Method: get", "GET /things/{Id}, which has another answer"},
		{"no answer", "/things/{Id}:\n", "/things/{Id}:\n            delete: {}\n", "delete.x-amazon-apigateway-integration.type is missing"},
		{"method", "/things/{Id}:\n", "/things/{Id}:\n            trace: {}\n", "trace is not understood"},
		// Their names would be compared by case.
		{"required header", "/things/{Id}:\n", "/things/{Id}:\n            get: {parameters: [{name: Authorization, in: header, required: true}]}\n", "get.parameters is not understood"},
		{"validator", "/things/{Id}:\n", "/things/{Id}:\n            get: {x-amazon-apigateway-request-validator: x}\n", "request-validator is not understood"},
		{"no merge", "MergeDefinitions: true", "MergeDefinitions: false", "MergeDefinitions must be true"},
		{"no boolean", "MergeDefinitions: true", "MergeDefinitions: maybe", "not true or false"},
		{"swagger", "swagger: '2.0'", "swagger: '3.0'", "must be 2.0"},
		{"other integration", "type: mock", "type: http", "must be mock"},
		{"passthrough", "passthroughBehavior: never", "passthroughBehavior: when_no_match", "must be never"},
		{"request template", `text/plain: '{"statusCode": 200}'`, `text/plain: '{"statusCode": 404}'`, "must be {"},
		{"no JSON template", "application/json: '{\"statusCode\"", "text/html: '{\"statusCode\"", "lack application/json"},
		{"undeclared status", "statusCode: '405'", "statusCode: '404'", "lack 404"},
		{"undeclared header", "{Allow: {type: string}, Content-Type", "{Content-Type", "is not among the headers of response 405"},
		{"variable header", `"'GET, PUT'"`, "context.stage", "in single quotes"},
		{"quoted variable", `"'GET, PUT'"`, `"'context.requestId'"`, "in single quotes"},
		{"unquoted header", `"'GET, PUT'"`, `"GET, PUT"`, "in single quotes"},
		{"directive", `'{"status":405}'`, `'#set($x = 1)'`, "a variable or a directive"},
		{"directive alone", `'{"status":405}'`, `'## comment'`, "a variable or a directive"},
		{"variable", `'{"status":405}'`, `'$context.requestId'`, "a variable or a directive"},
		{"variable that goes on", `'{"status":405}'`, `'$context.httpMethod.x'`, "a variable or a directive"},
		{"variable in braces", `'{"status":405}'`, `'${context.httpMethod}'`, "a variable or a directive"},
		{"second answer", `application/json: '{"status":405}'`, "application/json: x\n                      text/html: y", "second type"},
		{"gateway response", "THROTTLED:", "THROTTLE:", "not a gateway response"},
		{"unquoted gateway header", `"'1'"`, "'1'", "in single quotes"},
		{"gateway header", "gatewayresponse.header.Retry-After", "header.Retry-After", "is not understood"},
		{"gateway variable", "$context.error.messageString", "$context.status", "hold $context.status"},
		{"two APIs", "  ThingRole:\n", "  Second:\n    Type: AWS::Serverless::Api\n  ThingRole:\n", "hold 2 APIs"},
		{"two documents", "Transform: AWS::Serverless-2016-10-31", "a: b\n---\nTransform: AWS::Serverless-2016-10-31", "more than one document"},
		{"no YAML", "Transform:", "\t", "parse template"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(small), test.old) {
				t.Fatalf("the template has no %q", test.old)
			}
			_, err := template.Parse([]byte(strings.ReplaceAll(string(small), test.old, test.new)))
			if err == nil || !strings.Contains(line.ReplaceAllString(err.Error(), ""), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// The answer of a mock may tell the method of the request.
func TestMockWithMethod(t *testing.T) {
	t.Parallel()
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"detail":"Method \"$context.httpMethod\" not allowed."}`
	tmpl, err := template.Parse([]byte(strings.ReplaceAll(string(small), `{"status":405}`, body)))
	if err != nil {
		t.Fatal(err)
	}
	check(t, "Body", tmpl.API.Resources[0].Methods[template.AnyMethod].Mock.Body, body)
}

// Conditions decide by the values of parameters.
func TestConditions(t *testing.T) {
	t.Parallel()
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"Conditions:\n", "Conditions:\n  Short: !Not [!Equals [!Ref Days, '365']]\n",
		"{SqsManagedSseEnabled: true}", "{SqsManagedSseEnabled: !If [Short, !Ref AWS::NoValue, true], KmsMasterKeyId: !If [Short, x, !Ref AWS::NoValue]}",
		"              - Effect: Allow\n                Action: dynamodb:Query\n", `              - &more !If [Short, {Effect: Allow, Action: kms:Decrypt, Resource: '*'}, !Ref AWS::NoValue]
              - Effect: Allow
                Action: !If [Short, dynamodb:GetItem, dynamodb:Query]
`,
		"Action: lambda:InvokeFunction\n                Resource: !Ref ThingSweep.Alias\n", "Action: lambda:InvokeFunction\n                Resource: !Ref ThingSweep.Alias\n              - *more\n",
	).Replace(string(small))
	for days, want := range map[string][]string{"365": {"dynamodb:Query"}, "7": {"kms:Decrypt", "dynamodb:GetItem"}} {
		tmpl, err := template.Parse([]byte(text), template.With("Days", days))
		if err != nil {
			t.Fatal(err)
		}
		f, _ := tmpl.Function("thing-sweep")
		var actions []string
		for _, s := range f.Statements {
			actions = append(actions, s.Actions...)
		}
		check(t, "actions with Days="+days, actions, want)
		if got := len(f.Schedules[0].Statements); got != len(want) {
			t.Errorf("with Days=%s the schedule has %d statements", days, got)
		}
	}
}

// What the gateway compresses is read, and what only AWS does is let through.
func TestGatewaySettings(t *testing.T) {
	t.Parallel()
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Parse([]byte(strings.ReplaceAll(string(small), "MergeDefinitions: true", `MergeDefinitions: true
      MinimumCompressionSize: 1024
      TracingEnabled: true
      MethodSettings: [{ResourcePath: /*, HttpMethod: '*', ThrottlingRateLimit: 5, ThrottlingBurstLimit: 9, MetricsEnabled: true}]`)))
	if err != nil {
		t.Fatal(err)
	}
	check(t, "CompressFrom", tmpl.API.CompressFrom, 1024)
	check(t, "CompressFrom by default", load(t).API.CompressFrom, 0)
}

func TestAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := template.Parse([]byte("A: 1\nB: 2\n"))
	if err == nil || !strings.Contains(err.Error(), "A (line 1)") || !strings.Contains(err.Error(), "B (line 2)") {
		t.Errorf("error %v, want both places", err)
	}
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	if _, err := template.Load("testdata/absent.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// No input panics.
func FuzzParse(f *testing.F) {
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add([]byte("Resources: &a {x: *a}"))
	f.Add([]byte("Transform: &a !If [A, *a, *a]"))
	f.Add([]byte("Parameters: {P: {Default: !Ref P}}\nResources: {X: {Type: !Ref P}}"))
	f.Add([]byte("[]"))
	f.Add([]byte("!If [A, B, C]"))
	f.Add([]byte("Conditions: {A: !Equals [!If [A, x, y], y]}\nResources: !If [A, {}, []]"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		if parsed, err := template.Parse(data); (parsed == nil) == (err == nil) {
			t.Errorf("Parse gives %v and the error %v", parsed, err)
		}
	})
}
