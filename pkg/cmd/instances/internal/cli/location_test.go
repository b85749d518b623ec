package cli

import (
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

// Keys are kept in a DynamoDB table as in a folder, and a served folder is
// left out of it.
func TestTable(t *testing.T) {
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	dir := t.TempDir()
	startServe(t, dir)
	in := func(args ...string) result {
		return instances(t, dir, append(args, "--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1")...)
	}
	// As CloudFormation creates a table, nothing is in it.
	layout := map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "layout"}, "sk": &types.AttributeValueMemberS{Value: "layout"},
	}
	if _, err := table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: layout}); err != nil {
		t.Fatal(err)
	}
	secret := secretOf(t, in("keys", "create", "--name", "ci", "--allow", "topology:read", "--compute-profile", "client"))
	if out, err := table.Client(nil).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table.Name, Key: layout}); err != nil || len(out.Item) == 0 {
		t.Errorf("the first key gave the table no layout: %v", err)
	}
	if got := in("keys", "create", "--name", "ci", "--allow", "*"); got.code != exitFailed || !strings.Contains(got.stderr, "a key named ci exists") {
		t.Errorf("%+v", got)
	}
	write(t, filepath.Join(dir, "event.json"), event(t, secret, "1"))
	invoke := []string{"invoke", "topology-get", "--event", "event.json", "--template", templatePath(t)}
	if got := in(invoke...); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":404`) {
		t.Errorf("%+v", got)
	}
	if got := in("keys", "revoke", "ci"); got.code != exitOK {
		t.Errorf("%+v", got)
	}
	if got := in(invoke...); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":401`) {
		t.Errorf("%+v", got)
	}
	if got := in("keys", "list"); got.code != exitOK || strings.Count(got.stdout, "\n") != 2 || !strings.Contains(got.stdout, "compute=client") {
		t.Errorf("%+v", got)
	}
	if got := in("keys", "revoke", "bogus"); got.code != exitFailed || !strings.Contains(got.stderr, "no key named bogus") {
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

// The catalogue is kept in a DynamoDB table as in a folder.
func TestTableGPUs(t *testing.T) {
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	dir := t.TempDir()
	in := func(args ...string) result {
		return withInput(t, dir, oneGPU, append(args, "--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1")...)
	}
	if got := in("gpus", "list"); got.code != exitOK || !strings.Contains(got.stderr, "default catalogue") {
		t.Errorf("%+v", got)
	}
	if got := in("gpus", "import", "-"); got.code != exitOK || !strings.Contains(got.stderr, "1 entry") {
		t.Errorf("%+v", got)
	}
	if got := in("gpus", "list"); got.code != exitOK || !strings.Contains(got.stdout, "My card") || !strings.Contains(got.stderr, "imported") {
		t.Errorf("%+v", got)
	}
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
