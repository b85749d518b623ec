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

// Template reads template.yaml, which takes a while.
func Template(t testing.TB, options ...template.Option) *template.Template {
	t.Helper()
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Load(filepath.Join(root, "template.yaml"), options...)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// NewTable creates an empty table that no other test uses, which is deleted
// when t ends.
func NewTable(t testing.TB) Table {
	t.Helper()
	return NewTableOf(t, Template(t))
}

// NewTableOf is NewTable for a test that has read the template already.
func NewTableOf(t testing.TB, tmpl *template.Template) Table {
	t.Helper()
	if len(tmpl.Tables) != 1 {
		t.Fatalf("template.yaml has %d tables, want 1", len(tmpl.Tables))
	}
	table := Table{Endpoint: endpoint(t), Name: "test-" + rand.Text()}
	if err := table.Create(t.Context(), tmpl.Tables[0]); err != nil {
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
