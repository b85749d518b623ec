package functions_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

// The command in the stack's outputs creates a key that the functions accept.
func TestCreateKeyCommand(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	environment := table.Environment()
	region := environment["AWS_REGION"]
	line := strings.NewReplacer("${Table}", table.Name, "${AWS::Region}", region).
		Replace(stack(t).text("Outputs CreateKey Value"))
	if !strings.HasPrefix(line, "go run ./pkg/cmd/instances keys create --table "+table.Name+" --region "+region+" ") {
		t.Fatalf("the line is %q", line)
	}
	// In a shell, so that its quotes count.
	command := exec.CommandContext(t.Context(), "sh", "-c", line)
	command.Dir = ".."
	command.Env = os.Environ()
	for name, value := range environment {
		if name != "AWS_REGION" { // The line says it.
			command.Env = append(command.Env, name+"="+value)
		}
	}
	var problems bytes.Buffer
	command.Stderr = &problems
	secret, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, &problems)
	}
	keys := auth.NewAuthenticator(dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: time.Now}), time.Now)
	who, err := keys.Login(t.Context(), "first", strings.TrimSpace(string(secret)))
	if err != nil || !who.May("topology:write") || !who.May("execution:read") {
		t.Errorf("the key is of %+v, %v", who, err)
	}
}
