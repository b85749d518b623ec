package functions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"instances/pkg/app"
	"instances/pkg/app/function"
	"instances/pkg/auth"
	"instances/pkg/execution"
	"instances/pkg/httpjson"
	"instances/pkg/lambdahttp"
	"instances/pkg/template"
)

// document is a YAML document with its tags expanded: !Ref X is {Ref: X}, as in
// CloudFormation's long form.
type document map[string]any

func parseYAML(t *testing.T, text string) any {
	t.Helper()
	var file yaml.Node
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return plain(t, file.Content[0])
}

func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var value any
	switch n.Kind {
	case yaml.AliasNode:
		return plain(t, n.Alias)
	case yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			members[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		value = members
	case yaml.SequenceNode:
		items := []any{}
		for _, c := range n.Content {
			items = append(items, plain(t, c))
		}
		value = items
	default:
		if value = any(n.Value); strings.HasPrefix(n.Tag, "!!") {
			if err := n.Decode(&value); err != nil {
				t.Fatal(err)
			}
		}
	}
	switch name, tagged := strings.CutPrefix(n.Tag, "!"); {
	case !tagged || strings.HasPrefix(name, "!"):
		return value
	case name == "Ref":
		return map[string]any{"Ref": value}
	default:
		return map[string]any{"Fn::" + name: value}
	}
}

func stack(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parseYAML(t, string(text)).(map[string]any)
}

// at returns the value at a path of names separated by blanks, or nil.
func (d document) at(path string) any {
	var value any = map[string]any(d)
	for name := range strings.FieldsSeq(path) {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	return value
}

// text returns the string at a path, or the argument of its !Sub.
func (d document) text(path string) string {
	value := d.at(path)
	if m, ok := value.(map[string]any); ok {
		value = m["Fn::Sub"]
	}
	text, _ := value.(string)
	return text
}

// resources returns the resources of a type by name.
func (d document) resources(kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for name, r := range d["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == kind {
			found[name] = r
		}
	}
	return found
}

// What a careful team looks for in the template.
func TestStack(t *testing.T) {
	t.Parallel()
	d := stack(t)
	for _, test := range []struct{ path, want string }{
		// Environments differ in these.
		{"Parameters Architecture Default", "arm64"},
		{"Parameters StageName Default", "live"},
		{"Parameters HistoryRetentionDays MinValue", "1"},
		{"Parameters LogRetentionDays Default", "30"},
		{"Parameters LogLevel Default", "INFO"},
		{"Parameters ThrottleRate MinValue", "1"},
		{"Parameters ThrottleBurst MinValue", "1"},
		{"Parameters TableMaxReadUnits MinValue", "1"},
		{"Parameters TableMaxWriteUnits MinValue", "1"},
		{"Parameters AlarmEmail Default", "''"},
		{"Parameters DeploymentType Default", "Canary10Percent10Minutes"},
		{"Parameters ApiGatewayLogsRole Default", "create"},

		{"Globals Function Runtime", "provided.al2023"},
		{"Globals Function Architectures", "[!Ref Architecture]"},
		{"Globals Function LoggingConfig", "{LogFormat: JSON, ApplicationLogLevel: !Ref LogLevel, SystemLogLevel: INFO, LogGroup: !Ref FunctionLogs}"},
		{"Globals Function Tracing", "Active"},
		{"Globals Function AutoPublishAlias", "live"},
		{"Globals Function AutoPublishAliasAllProperties", "true"},
		{"Globals Function DeploymentPreference", "{Type: !Ref DeploymentType, Role: !GetAtt DeploymentRole.Arn, Alarms: [!Ref APIErrorsAlarm, !Ref APILatencyAlarm, !Ref AnswersCutOffAlarm]}"},
		{"Globals Function ReservedConcurrentExecutions", "null"},
		{"Resources DeploymentRole Properties ManagedPolicyArns", "[!Sub 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited']"},

		{"Resources Table DeletionPolicy", "Retain"},
		{"Resources Table UpdateReplacePolicy", "Retain"},
		{"Resources Table Properties BillingMode", "PAY_PER_REQUEST"},
		{"Resources Table Properties OnDemandThroughput", tableLimits},
		{"Resources Table Properties PointInTimeRecoverySpecification", "{PointInTimeRecoveryEnabled: true}"},
		{"Resources Table Properties DeletionProtectionEnabled", "true"},
		{"Resources Table Properties SSESpecification", "!If [HasKey, {SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !Ref KmsKeyArn}, {SSEEnabled: true}]"},
		{"Resources Table Properties TimeToLiveSpecification", "{AttributeName: expires, Enabled: true}"},

		// The alarms refer to the API by this name.
		{"Resources API Properties Name", "!Ref AWS::StackName"},
		{"Resources API Properties StageName", "!Ref StageName"},
		{"Resources API Properties EndpointConfiguration", "{Type: REGIONAL}"},
		{"Resources API Properties TracingEnabled", "true"},
		{"Resources API Properties MinimumCompressionSize", "1024"},
		{"Resources API Properties BinaryMediaTypes", "null"},
		{"Resources API Properties DefinitionBody x-amazon-apigateway-binary-media-types", "null"},
		{"Resources API Properties MethodSettings", "[{ResourcePath: /*, HttpMethod: '*', ThrottlingRateLimit: !Ref ThrottleRate, ThrottlingBurstLimit: !Ref ThrottleBurst, MetricsEnabled: !Ref RouteMetrics}]"},
		{"Resources API Properties AccessLogSetting DestinationArn", "!GetAtt APILogs.Arn"},
		// Without it, there is a second stage, called Stage.
		{"Globals Api OpenApiVersion", "'2.0'"},

		{"Conditions SetsLogsRole", "!Equals [!Ref ApiGatewayLogsRole, create]"},
		{"Resources APIGatewayAccount", `
Type: AWS::ApiGateway::Account
Condition: SetsLogsRole
DeletionPolicy: Retain
UpdateReplacePolicy: Retain
Properties: {CloudWatchRoleArn: !GetAtt APIGatewayLogsWriter.Arn}`},
		{"Resources APIGatewayLogsWriter Condition", "SetsLogsRole"},
		{"Resources APIGatewayLogsWriter DeletionPolicy", "Retain"},
		{"Resources APIGatewayLogsWriter Properties AssumeRolePolicyDocument Statement", "[{Effect: Allow, Principal: {Service: apigateway.amazonaws.com}, Action: 'sts:AssumeRole'}]"},
		// The stage needs the setting before it.
		{"Resources APILogs Properties Tags", "[{Key: logs-role, Value: !If [SetsLogsRole, !Ref APIGatewayAccount, keep]}]"},

		{"Conditions SendsAlarms", "!Not [!Equals [!Ref AlarmEmail, '']]"},
		{"Resources AlarmTopic Type", "AWS::SNS::Topic"},
		{"Resources AlarmTopic Properties KmsMasterKeyId", "!If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue]"},
		{"Resources AlarmSubscription", `
Type: AWS::SNS::Subscription
Condition: SendsAlarms
Properties: {TopicArn: !Ref AlarmTopic, Protocol: email, Endpoint: !Ref AlarmEmail}`},

		{"Outputs ApiUrl Value", "!If [HasDomain, !Sub 'https://${DomainName}', !Sub 'https://${API}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}']"},
		{"Outputs TableName Value", "!Ref Table"},
	} {
		if got, want := d.at(test.path), parseYAML(t, test.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, not %v", test.path, got, want)
		}
	}
	for _, x := range d.at("Resources Table Properties GlobalSecondaryIndexes").([]any) {
		if got := x.(map[string]any)["OnDemandThroughput"]; !reflect.DeepEqual(got, parseYAML(t, tableLimits)) {
			t.Errorf("the limits of an index are %v", got)
		}
	}
}

const tableLimits = "{MaxReadRequestUnits: !Ref TableMaxReadUnits, MaxWriteRequestUnits: !Ref TableMaxWriteUnits}"

// Every parameter has a description and a default.
func TestParameters(t *testing.T) {
	t.Parallel()
	for name, p := range stack(t).at("Parameters").(map[string]any) {
		p := p.(map[string]any)
		if description, _ := p["Description"].(string); len(description) < 20 {
			t.Errorf("%s is described as %q", name, description)
		}
		if _, ok := p["Default"]; !ok {
			t.Errorf("%s has no default", name)
		}
	}
}

// No function overrides what Globals say about deployment and operation, and
// every log group has the retention.
func TestEveryFunctionIsOperatedAlike(t *testing.T) {
	t.Parallel()
	d := stack(t)
	for name, f := range d.resources("AWS::Serverless::Function") {
		p := f["Properties"].(map[string]any)
		for _, property := range []string{
			"Runtime", "Architectures", "Tracing", "AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256",
			"LoggingConfig", "DeploymentPreference", "ReservedConcurrentExecutions", "ProvisionedConcurrencyConfig", "FunctionName", "IgnoreGlobals",
		} {
			if _, ok := p[property]; ok {
				t.Errorf("%s has its own %s", name, property)
			}
		}
	}
	names := map[string]string{}
	for name, g := range d.resources("AWS::Logs::LogGroup") {
		p := g["Properties"].(map[string]any)
		if !reflect.DeepEqual(p["RetentionInDays"], parseYAML(t, "!Ref LogRetentionDays")) {
			t.Errorf("%s keeps logs for %v", name, p["RetentionInDays"])
		}
		group := d.text("Resources " + name + " Properties LogGroupName")
		if other, ok := names[group]; ok || !strings.Contains(group, "/${AWS::StackName}") {
			t.Errorf("%s is called %q, as is %q", name, group, other)
		}
		names[group] = name
	}
}

// The access log has what it takes to follow a request to its function and its
// trace, and nothing that a client sends, which may be secret.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	format := stack(t).text("Resources API Properties AccessLogSetting Format")
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("%v in %s", err, format)
	}
	for name, want := range map[string]string{
		"requestId":            "$context.requestId",
		"extendedRequestId":    "$context.extendedRequestId",
		"integrationRequestId": "$context.integration.requestId",
		"xrayTraceId":          "$context.xrayTraceId",
		"error":                "$context.error.responseType",
		"integrationStatus":    "$context.integration.status",
		"status":               "$context.status",
		"latency":              "$context.responseLatency",
		"integrationLatency":   "$context.integration.latency",
		"timeToFirstContent":   "$context.integration.timeToFirstContent",
		"method":               "$context.httpMethod",
		"route":                "$context.resourcePath",
		"responseLength":       "$context.responseLength",
		"sourceIp":             "$context.identity.sourceIp",
		"requestTimeEpoch":     "$context.requestTimeEpoch",
	} {
		if line[name] != want {
			t.Errorf("%s is %q, not %q", name, line[name], want)
		}
		delete(line, name)
	}
	if len(line) > 0 {
		t.Errorf("nobody has checked whether these may hold a secret: %v", line)
	}
}

// The template words the gateway's own refusals.
func TestGatewayResponses(t *testing.T) {
	t.Parallel()
	responses := load(t).API.GatewayResponses
	for kind, status := range map[string]int{
		"REQUEST_TOO_LARGE": 413, "THROTTLED": 429, "QUOTA_EXCEEDED": 429, "INTEGRATION_TIMEOUT": 504, "DEFAULT_4XX": 0, "DEFAULT_5XX": 0,
	} {
		g, ok := responses[kind]
		if !ok || g.Status != status || g.Headers["Access-Control-Allow-Origin"] == "" {
			t.Errorf("%s is %+v", kind, g)
		}
		if (status == 429) != (g.Headers["Retry-After"] != "") {
			t.Errorf("%s has Retry-After %q", kind, g.Headers["Retry-After"])
		}
	}
}

// metricsOf returns the metrics that an alarm watches.
func metricsOf(alarm map[string]any) []map[string]any {
	list, ok := alarm["Metrics"].([]any)
	if !ok {
		return []map[string]any{alarm}
	}
	var metrics []map[string]any
	for _, m := range list {
		if stat, ok := m.(map[string]any)["MetricStat"].(map[string]any); ok {
			metrics = append(metrics, stat["Metric"].(map[string]any))
		}
	}
	return metrics
}

// Every alarm notifies people, says what to do, and tolerates times without
// data.
func TestAlarms(t *testing.T) {
	t.Parallel()
	d := stack(t)
	alarms := d.resources("AWS::CloudWatch::Alarm")
	for name, a := range alarms {
		p := a["Properties"].(map[string]any)
		for _, actions := range []string{"AlarmActions", "OKActions"} {
			if !reflect.DeepEqual(p[actions], parseYAML(t, "[!Ref AlarmTopic]")) {
				t.Errorf("%s has the %s %v", name, actions, p[actions])
			}
		}
		if n := len(d.text("Resources " + name + " Properties AlarmDescription")); n < 100 || n > 1024 {
			t.Errorf("the description of %s has %d characters", name, n)
		}
		if !strings.HasPrefix(d.text("Resources "+name+" Properties AlarmName"), "${AWS::StackName}-") {
			t.Errorf("%s is called %v", name, p["AlarmName"])
		}
		if p["TreatMissingData"] != "notBreaching" {
			t.Errorf("%s treats missing data as %v", name, p["TreatMissingData"])
		}
		if n := len(metricsOf(p)); n > 10 {
			t.Errorf("%s has %d metrics, and CloudWatch takes 10", name, n)
		}
		periods, _ := p["EvaluationPeriods"].(int)
		if needed, ok := p["DatapointsToAlarm"].(int); ok && needed > periods {
			t.Errorf("%s needs %d of %d periods", name, needed, periods)
		}
		if !strings.Contains(d.text("Resources Dashboard Properties DashboardBody"), `"${`+name+`.Arn}"`) {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
	for _, test := range []struct{ path, want string }{
		{"APIErrorsAlarm Properties Threshold", "0.1"},
		{"APIErrorsAlarm Properties ComparisonOperator", "GreaterThanThreshold"},
		{"APILatencyAlarm Properties Threshold", "1"},
		{"APILatencyAlarm Properties ComparisonOperator", "GreaterThanThreshold"},
		{"AnswersCutOff Properties LogGroupName", "!Ref FunctionLogs"},
		{"AnswersCutOff Properties MetricTransformations", "[{MetricNamespace: !Sub 'Instances/${AWS::StackName}', MetricName: AnswersCutOff, MetricValue: '1', Unit: Count}]"},
		{"AnswersCutOffAlarm Properties Namespace", "!Sub 'Instances/${AWS::StackName}'"},
		{"AnswersCutOffAlarm Properties MetricName", "AnswersCutOff"},
		{"AnswersCutOffAlarm Properties Dimensions", "null"},
		{"AnswersCutOffAlarm Properties Statistic", "Sum"},
		{"AnswersCutOffAlarm Properties Threshold", "0"},
		{"AnswersCutOffAlarm Properties DatapointsToAlarm", "1"},
		// Without dimensions it covers the account, whose pool all functions
		// share.
		{"FunctionThrottlesAlarm Properties Namespace", "AWS/Lambda"},
		{"FunctionThrottlesAlarm Properties MetricName", "Throttles"},
		{"FunctionThrottlesAlarm Properties Dimensions", "null"},
		{"FunctionThrottlesAlarm Properties Threshold", "0"},
		{"TableReadThrottlesAlarm Properties Threshold", "0"},
		{"TableWriteThrottlesAlarm Properties Threshold", "0"},
	} {
		if got, want := d.at("Resources "+test.path), parseYAML(t, test.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, not %v", test.path, got, want)
		}
	}
}

// The alarms that stop canaries refer to the API by name, and to the log group of
// all functions. A reference to the API, a function or an alias would be a cycle.
func TestCanaryAlarms(t *testing.T) {
	t.Parallel()
	d := stack(t)
	const api = "{Name: ApiName, Value: !Ref AWS::StackName}, {Name: Stage, Value: !Ref StageName}"
	known := map[string]any{"": parseYAML(t, "["+api+"]")}
	want := []string{"5XXError ", "Count ", "Count ", "Latency ", "AnswersCutOff "}
	for _, r := range load(t).API.Resources {
		for method, m := range r.Methods {
			// A HEAD ends where the answer to a GET begins.
			if m.Stream != 0 && method != http.MethodHead {
				route := method + " " + r.Path
				known[route] = parseYAML(t, fmt.Sprintf("[%s, {Name: Method, Value: %s}, {Name: Resource, Value: '%s'}]", api, method, r.Path))
				want = append(want, "Latency "+route)
			}
		}
	}
	names := []string{}
	for _, alarm := range d.at("Globals Function DeploymentPreference Alarms").([]any) {
		name := alarm.(map[string]any)["Ref"].(string)
		for _, m := range metricsOf(d.at("Resources " + name + " Properties").(map[string]any)) {
			about := ""
			for route, dimensions := range known {
				if reflect.DeepEqual(m["Dimensions"], dimensions) {
					about = route
				}
			}
			if (m["Namespace"] == "AWS/ApiGateway") != (m["Dimensions"] != nil) {
				t.Errorf("%s is about %v", name, m)
			}
			names = append(names, m["MetricName"].(string)+" "+about)
		}
	}
	same(t, "metrics that stop canaries", names, want)
}

// Lists that stream take as long as they are: the alarm on latency does not count
// them, and takes the limit from the parameter.
func TestLatencyAlarm(t *testing.T) {
	t.Parallel()
	metrics := stack(t).at("Resources APILatencyAlarm Properties Metrics").([]any)
	terms := []string{"slow"}
	for _, m := range metrics {
		m := m.(map[string]any)
		stat, ok := m["MetricStat"].(map[string]any)
		if !ok {
			continue
		}
		limit := parseYAML(t, "!Sub 'TC(${LatencyAlarmMilliseconds}:)'")
		if stat["Metric"].(map[string]any)["MetricName"] == "Latency" && !reflect.DeepEqual(stat["Stat"], limit) {
			t.Errorf("%v counts %v", m["Id"], stat["Stat"])
		}
		if dimensions := stat["Metric"].(map[string]any)["Dimensions"].([]any); len(dimensions) == 4 {
			terms = append(terms, "FILL("+m["Id"].(string)+", 0)")
		}
	}
	if got := metrics[0].(map[string]any)["Expression"]; got != "100 * ("+strings.Join(terms, " - ")+") / requests" {
		t.Errorf("it watches %s, and %s stream", got, terms[1:])
	}
}

// The line that functions write for an answer that breaks off is what the filter
// looks for.
func TestCutOffLine(t *testing.T) {
	t.Parallel()
	event, err := os.ReadFile("../events/execution-list.json")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	list := func(*http.Request, auth.Principal) (httpjson.Answer, error) {
		return httpjson.NewArray(func(yield func([]byte, error) bool) {
			if yield([]byte(`"`+strings.Repeat("a", 100_000)+`"`), nil) {
				yield(nil, errors.New("throttled"))
			}
		}), nil
	}
	f := app.Stream(app.Dependencies{Logger: function.NewLogger(&log, slog.LevelError), Now: time.Now},
		execution.Secure(auth.NewAuthenticator(everybody{}, time.Now), execution.ReadPermission, list))
	answer, err := f.(lambdahttp.Streamer).Stream(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(answer); err == nil || !strings.HasPrefix(string(out), `{"statusCode":200`) {
		t.Errorf("answer %.200s, %v", out, err)
	}
	if err := answer.Close(); err != nil {
		t.Error(err)
	}
	found := 0
	for line := range strings.Lines(log.String()) {
		var said struct{ Message string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatal(err)
		}
		if stack(t).text("Resources AnswersCutOff Properties FilterPattern") == `{ $.message = "`+said.Message+`" }` {
			found++
		}
	}
	if found != 1 {
		t.Errorf("the filter finds %d lines in %s", found, &log)
	}
}

// DynamoDB counts throttled reads and writes by table and by index.
func TestTableAlarmsCoverAllIndexes(t *testing.T) {
	t.Parallel()
	d := stack(t)
	for _, kind := range []string{"Read", "Write"} {
		var got []string
		for _, m := range metricsOf(d.at("Resources Table" + kind + "ThrottlesAlarm Properties").(map[string]any)) {
			of := "Table"
			for _, dimension := range m["Dimensions"].([]any) {
				if index, ok := dimension.(map[string]any)["Value"].(string); ok {
					of = index
				}
			}
			got = append(got, m["MetricName"].(string)+" "+of)
		}
		want := []string{kind + "ThrottleEvents Table"}
		for _, x := range load(t).Tables[0].Indexes {
			want = append(want, kind+"ThrottleEvents "+x.Name)
		}
		same(t, "metrics of the alarm", got, want)
	}
}

// The dashboard is valid JSON, its widgets do not overlap, and it shows every
// index.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := stack(t)
	if boards := d.resources("AWS::CloudWatch::Dashboard"); len(boards) != 1 {
		t.Fatalf("there are %d dashboards", len(boards))
	}
	// Dashboards are global: stacks with the same name would share one.
	if name := d.text("Resources Dashboard Properties DashboardName"); name != "${AWS::StackName}-${AWS::Region}" {
		t.Errorf("the dashboard is called %q", name)
	}
	text := d.text("Resources Dashboard Properties DashboardBody")
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title, Region, Query string
				Metrics              []any
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	for _, w := range body.Widgets {
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x > 23 {
					t.Fatalf("%q lies on %q at %d, %d", w.Properties.Title, other, x, y)
				}
				taken[[2]int{x, y}] = w.Properties.Title
			}
		}
		if w.Properties.Title == "" || w.Type != "alarm" && w.Properties.Region != "${AWS::Region}" {
			t.Errorf("%+v has no title or region", w)
		}
		if w.Type == "log" && !strings.HasPrefix(w.Properties.Query, "SOURCE '${APILogs}' | ") {
			t.Errorf("the query of %q is %q", w.Properties.Title, w.Properties.Query)
		}
	}
	format := d.text("Resources API Properties AccessLogSetting Format")
	// Words of the query language, and names of columns.
	words := strings.Fields("stats count pct as by fields filter like sort desc limit @timestamp requests p50 p99")
	for _, w := range body.Widgets {
		if w.Type != "log" {
			continue
		}
		_, query, _ := strings.Cut(w.Properties.Query, "|")
		for _, word := range regexp.MustCompile(`@?[A-Za-z]\w*`).FindAllString(query, -1) {
			if !slices.Contains(words, word) && !strings.Contains(format, `"`+word+`":`) {
				t.Errorf("the query of %q has %s, and the access log has not", w.Properties.Title, word)
			}
		}
	}
	for _, x := range load(t).Tables[0].Indexes {
		if !strings.Contains(text, `"`+x.Name+`"`) {
			t.Errorf("the dashboard lacks %s", x.Name)
		}
	}
	for _, v := range regexp.MustCompile(`\$\{[^}]*\}`).FindAllString(text, -1) {
		name, _, _ := strings.Cut(v[2:len(v)-1], ".")
		if d.at("Resources "+name) == nil && d.at("Parameters "+name) == nil && !strings.HasPrefix(name, "AWS::") {
			t.Errorf("the dashboard refers to %s", v)
		}
	}
}

// Each environment of samconfig.toml sets existing parameters to allowed
// values, and builds without a cache.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	d := stack(t)
	text, err := os.ReadFile("../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split("\n"+string(text), "\n[")[1:] {
		name, rest, _ := strings.Cut(section, "]")
		sections[name] = rest
	}
	same(t, "sections", slices.Collect(maps.Keys(sections)), []string{
		"default.build.parameters", "default.deploy.parameters",
		"dev.global.parameters", "dev.build.parameters", "dev.deploy.parameters",
		"prod.global.parameters", "prod.build.parameters", "prod.deploy.parameters",
	})
	stages := map[string]bool{}
	for _, environment := range []string{"default", "dev", "prod"} {
		build, deploy := sections[environment+".build.parameters"], sections[environment+".deploy.parameters"]
		if !strings.Contains(build, "cached = false\nparallel = true\n") {
			t.Errorf("%s builds with %s", environment, build)
		}
		for _, line := range []string{`capabilities = "CAPABILITY_IAM"`, "resolve_s3 = true", "fail_on_empty_changeset = false"} {
			if !strings.Contains(deploy, line+"\n") {
				t.Errorf("%s deploys without %s", environment, line)
			}
		}
		// Only dev deploys without asking.
		if strings.Contains(deploy, "confirm_changeset = true\n") == (environment == "dev") {
			t.Errorf("%s deploys with %s", environment, deploy)
		}
		if named := strings.Contains(sections[environment+".global.parameters"], "stack_name = "); named == (environment == "default") {
			t.Errorf("%s names a stack: %t", environment, named)
		}
		set := map[string]string{}
		// Where sam build reads them too.
		global := sections[environment+".global.parameters"]
		for _, m := range regexp.MustCompile(`(?m)^ +(\w+)=(\S+) \\$`).FindAllStringSubmatch(global, -1) {
			set[m[1]] = m[2]
			p, _ := d.at("Parameters " + m[1]).(map[string]any)
			if p == nil {
				t.Errorf("%s sets %s, which is no parameter", environment, m[1])
				continue
			}
			if allowed, ok := p["AllowedValues"].([]any); ok && !slices.ContainsFunc(allowed, func(v any) bool { return toText(t, v) == m[2] }) {
				t.Errorf("%s sets %s to %s, not one of %v", environment, m[1], m[2], allowed)
			}
		}
		if environment == "default" {
			continue
		}
		for _, name := range []string{
			"StageName", "HistoryRetentionDays", "LogRetentionDays", "LogLevel", "ThrottleRate", "ThrottleBurst",
			"TableMaxReadUnits", "TableMaxWriteUnits", "DeploymentType", "RouteMetrics",
		} {
			if set[name] == "" {
				t.Errorf("%s does not set %s", environment, name)
			}
		}
		stages[set["StageName"]] = true
		if (set["DeploymentType"] == "AllAtOnce") != (environment == "dev") {
			t.Errorf("%s is deployed %s", environment, set["DeploymentType"])
		}
	}
	if len(stages) != 2 {
		t.Errorf("the stages are %v", stages)
	}
}

func toText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(b), `"`)
}

// The template says from which size the API compresses.
func TestCompression(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load("../template.yaml")
	if err != nil || tmpl.API.CompressFrom != 1024 {
		t.Errorf("it compresses from %d bytes, %v", tmpl.API.CompressFrom, err)
	}
}
