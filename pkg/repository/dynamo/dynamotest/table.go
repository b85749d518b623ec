package dynamotest

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

// Table is a table of DynamoDB Local.
type Table = dynamolocal.Table

// NewTable creates an empty table that no other test uses, which is deleted
// when t ends.
func NewTable(t testing.TB) Table {
	t.Helper()
	table := Table{Endpoint: endpoint(t), Name: "test-" + rand.Text()}
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	definition, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(definition.Tables) != 1 {
		t.Fatalf("template.yaml has %d tables, want 1", len(definition.Tables))
	}
	if err := table.Create(t.Context(), definition.Tables[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The context of the test is over.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := table.Delete(ctx); err != nil {
			t.Error(err)
		}
	})
	return table
}
