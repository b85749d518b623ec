package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository/dynamo/dynamotest"
)

// awsEnvironment has the SDK find these credentials and no others.
func awsEnvironment(t *testing.T, variables ...string) {
	t.Helper()
	absent := filepath.Join(t.TempDir(), "absent")
	variables = append([]string{
		"AWS_CONFIG_FILE=" + absent, "AWS_SHARED_CREDENTIALS_FILE=" + absent, "AWS_EC2_METADATA_DISABLED=true", "AWS_CA_BUNDLE=",
		"AWS_PROFILE=", "AWS_REGION=", "AWS_DEFAULT_REGION=", "AWS_SESSION_TOKEN=",
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=",
	}, variables...)
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

// The command in the stack's outputs creates a key that the functions accept, on a
// table as CloudFormation creates it. A served folder is left out of it.
func TestTable(t *testing.T) {
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	dir := t.TempDir()
	startServe(t, dir)
	in := func(args ...string) result {
		return instances(t, dir, append(args, "--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1")...)
	}
	// Nothing is in it.
	layout := map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "layout"}, "sk": &types.AttributeValueMemberS{Value: "layout"},
	}
	if _, err := table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: layout}); err != nil {
		t.Fatal(err)
	}
	secret := secretOf(t, instances(t, dir, append(createKeyCommand(t, table.Name), "--endpoint", table.Endpoint)...))
	if out, err := table.Client(nil).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table.Name, Key: layout}); err != nil || len(out.Item) == 0 {
		t.Errorf("the first key gave the table no layout: %v", err)
	}
	if got := in("keys", "list"); !strings.Contains(got.stdout, "first  first  * ") {
		t.Errorf("%+v", got)
	}
	write(t, filepath.Join(dir, "event.json"), event(t, secret, "1"))
	invoke := []string{"invoke", "topology-get", "--event", "event.json", "--template", templatePath(t)}
	if got := in(invoke...); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":404`) {
		t.Errorf("%+v", got)
	}
	if got := in("keys", "revoke", "first"); got.code != exitOK {
		t.Errorf("%+v", got)
	}
	if got := in(invoke...); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":401`) {
		t.Errorf("%+v", got)
	}
	if list := listKeys(t, dir); len(list) != 1 || list[0].Name != localKey {
		t.Errorf("the folder has %+v", list)
	}
	for _, line := range []string{"keys list", "deleted topology", "history topology 1", "cleanup"} {
		got := instances(t, dir, append(strings.Fields(line), "--table", table.Name+"-absent", "--endpoint", table.Endpoint, "--region", "us-east-1")...)
		if got.code != exitFailed || !strings.Contains(got.stderr, "no table "+table.Name+"-absent in us-east-1") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// createKeyCommand returns the arguments of the command in the stack's outputs, as
// a shell reads them.
func createKeyCommand(t *testing.T, table string) []string {
	t.Helper()
	text, err := os.ReadFile(templatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	_, output, _ := strings.Cut(string(text), "\n  CreateKey:\n")
	_, line, _ := strings.Cut(output, "Value: !Sub ")
	line, _, _ = strings.Cut(line, "\n")
	line, ok := strings.CutPrefix(strings.NewReplacer("${Table}", table, "${AWS::Region}", "us-east-1").Replace(line), "go run ./pkg/cmd/instances ")
	if !ok {
		t.Fatalf("the line is %q", line)
	}
	words, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(words))
}

// What is missing to reach a table is named.
func TestTableUnreachable(t *testing.T) {
	for name, test := range map[string]struct {
		environment []string
		args, want  string
	}{
		"no region":      {[]string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}, "", "--region, AWS_REGION"},
		"no credentials": {nil, "--region us-east-1", "find the AWS credentials"},
		"no profile":     {[]string{"AWS_PROFILE=bogus"}, "", "bogus"},
	} {
		t.Run(name, func(t *testing.T) {
			awsEnvironment(t, test.environment...)
			got := instances(t, t.TempDir(), append([]string{"keys", "list", "--table", "t"}, strings.Fields(test.args)...)...)
			if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}
