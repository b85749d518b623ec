package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

// A table without a layout is upgraded, and its name rows come and go.
func TestUpgrade(t *testing.T) {
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	c, client := newClock(), table.Client(nil)
	f := &filler{t, dynamo.New(dynamo.Config{Client: client, Table: table.Name, Now: c.Now}), c}
	f.topology("1", instance.Instance{Code: "ILIK", Name: "One"})
	f.topology("2", instance.Instance{Code: "TWO", Name: "Two"})
	f.execution("demo", instance.Instance{Name: "Demo"})
	// Instance 2 has a code that was another one in earlier layouts.
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	update := "SET code = :code"
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table.Name, UpdateExpression: &update, ExpressionAttributeValues: map[string]types.AttributeValue{":code": text("ılık")},
		Key: map[string]types.AttributeValue{"pk": text("instance#topology#" + instance.Block(2)), "sk": text("0000000000000000002")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "layout"}, "sk": &types.AttributeValueMemberS{Value: "layout"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	interrupted := false
	run := func(args ...string) result {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stdout, stderr bytes.Buffer
		e := environmentIn(t.TempDir(), strings.NewReader(""), &stdout, &stderr)
		e.now, e.after = c.Now, func(d time.Duration) <-chan time.Time {
			if interrupted {
				cancel()
				return nil
			}
			c.advance(d)
			passed := make(chan time.Time, 1)
			passed <- c.Now()
			return passed
		}
		args = append([]string{"upgrade", "--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1"}, args...)
		return result{execute(ctx, args, e), stdout.String(), stderr.String()}
	}
	interrupted = true
	if got := run(); got.code != exitFailed || got.stdout != "" || !strings.HasSuffix(got.stderr, "instances upgrade: interrupted\n") {
		t.Errorf("%+v", got)
	}
	interrupted = false
	got := run()
	wantOutput(t, got, `
LAYOUT     NAME SEARCH  READ  CHANGED  ROWS REMOVED
3 (was 1)  walk         3     1        0
`)
	if !strings.Contains(got.stderr, "Waiting a minute and a half") || !strings.Contains(got.stderr, "Read 3 instances so far") {
		t.Errorf("stderr %q", got.stderr)
	}
	if !strings.Contains(got.stderr, `topology 1 ("ILIK"), topology 2 ("ılık"). They keep them`) {
		t.Errorf("stderr %q", got.stderr)
	}
	got = run()
	wantOutput(t, got, `
LAYOUT     NAME SEARCH  READ  CHANGED  ROWS REMOVED
3 (was 3)  walk         0     0        0
`)
	if got.stderr != "" {
		t.Errorf("stderr %q", got.stderr)
	}
	var report dynamo.UpgradeReport
	got = run("--name-search", "indexed", "--output", "json")
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || report != (dynamo.UpgradeReport{From: 3, To: 3, NameRows: true, Read: 3, Changed: 2}) {
		t.Errorf("%+v, %v", got, err)
	}
	indexed := dynamo.New(dynamo.Config{Client: client, Table: table.Name, Now: c.Now, IndexedNames: true})
	for i, err := range indexed.Search(t.Context(), instance.Query{Kind: topology.Kind(), Name: "wo"}) {
		if err != nil || i.ID != "2" {
			t.Errorf("found %s, %v", i.ID, err)
		}
	}
	wantOutput(t, run("--name-search", "walk", "--write-units", "0"), `
LAYOUT     NAME SEARCH  READ  CHANGED  ROWS REMOVED
3 (was 3)  walk         0     0        6
`)
}

// A folder needs no upgrade, and a mistake is named.
func TestUpgradeOfFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wantFailure(t, instances(t, dir, "upgrade"), exitFailed, "there is no registry in "+dir)
	s := &somewhere{dir: dir, clock: newClock()}
	fillFolder(t, s, func(*testing.T, repository, *clock) {})
	if got := s.run(t, "upgrade"); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "whenever it is opened") {
		t.Errorf("%+v", got)
	}
	wantFailure(t, s.run(t, "upgrade", "--name-search", "trigrams"), exitUsage, `--name-search "trigrams": want indexed or walk`)
	wantFailure(t, s.run(t, "upgrade", "--write-units", "-1"), exitUsage, `--write-units "-1": want a number from 0 to 40000`)
}
