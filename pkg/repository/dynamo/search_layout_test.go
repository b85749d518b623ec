package dynamo_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
)

// A search finds the same in a table with layout 1, in one that is on its way to
// layout 2, and in one that has arrived, page by page too.
func TestSearchOldLayout(t *testing.T) {
	t.Parallel()
	kind := instance.Kind{Name: "named"}
	collections := []string{"a", "b", "c"}
	fixtures := map[string]*fixture{}
	for _, name := range []string{"new", "filling", "old"} {
		f := newFixture(t)
		var items []map[string]types.AttributeValue
		for n := range 160 {
			i := f.fresh(int64(n) + 1)
			i.Code = ""
			i.Group, i.SubGroup, i.Status = fmt.Sprint("Group ", n%3), fmt.Sprint("Sub ", n%4), fmt.Sprint("s", n%5)
			if n%7 == 0 {
				i.Name, i.SubGroup = "", ""
			}
			if n >= 80 {
				i.Kind, i.ID, i.Collection = kind, fmt.Sprintf("id-%03d", n), collections[n/3%3]
			}
			item, err := dynamo.EncodeItem(i)
			must(t, err)
			if name == "old" || name == "filling" && n%2 == 0 {
				for _, attribute := range []string{"spk", "ssk", "tpk", "tsk"} {
					delete(item, attribute)
				}
				item["npk"] = &types.AttributeValueMemberS{Value: i.Kind.Name + "#" + i.Collection}
				item["nsk"], item["fgroup"] = item["sk"], &types.AttributeValueMemberS{Value: strings.ToUpper(i.Group)}
			}
			items = append(items, item)
		}
		items = append(items, attributes(map[string]string{"pk": "collections#numbered", "sk": instance.Block(0)}))
		f.fill(t, items)
		switch name {
		case "filling":
			setLayout(t, f.table, map[string]int{"version": 1, "target": 2})
		case "old":
			setLayout(t, f.table, nil)
		}
		fixtures[name] = f
		f.Repository = dynamo.New(dynamo.Config{Client: f.table.Client(f.wire.transport), Table: f.table.Name})
	}
	for _, q := range []instance.Query{
		{SubGroup: "SUB 1"},
		{Status: "s3"},
		{Status: "S3"},
		{Name: "e 1"},
		{Group: "group 2"},
		{Group: "group 2", Status: "s3"},
		{Group: "group 1", SubGroup: "sub 1", Name: "name"},
		{SubGroup: "sub 2", Status: "s2"},
		{SubGroup: "sub 2", Name: "3"},
		{Status: "s4", Name: "3"},
		{Status: "s4", Name: "none"},
	} {
		for _, of := range []instance.Query{{Kind: numbered()}, {Kind: kind, Collections: collections}, {Kind: kind, Collections: []string{"c", "a"}}} {
			q.Kind, q.Collections = of.Kind, of.Collections
			want := ids(t, fixtures["new"].Search(t.Context(), q))
			if want == "[]" && q.Name != "none" && q.Status != "S3" {
				t.Errorf("%+v finds nothing", q)
			}
			for name, f := range fixtures {
				got := []string{}
				page := q
				page.Limit = 5
				for {
					var last instance.Instance
					for i, err := range f.Search(t.Context(), page) {
						must(t, err)
						got, last = append(got, i.ID), i
					}
					if last.ID == "" {
						break
					}
					var err error
					page, err = page.Resume(page.Cursor(last))
					must(t, err)
				}
				if fmt.Sprint(got) != want {
					t.Errorf("%s: %+v finds %v, want %s", name, q, got, want)
				}
			}
		}
	}
	// What an upgraded process writes into an old table is found too, and no longer
	// has what was needed then.
	f := fixtures["old"]
	changed, err := f.Update(t.Context(), f.fresh(5).Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
		i.Status = "changed"
		return i, nil
	})
	must(t, err)
	if got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered(), Status: "changed"})); got != "["+changed.ID+"]" {
		t.Errorf("finds %s", got)
	}
	item := f.stored(t, "instance#numbered#"+instance.Block(0), changed.SortKey())
	if item["tpk"] != "numbered#changed" || item["ssk"] == "" || item["fgroup"]+item["nsk"] != "" {
		t.Errorf("is stored as %v", item)
	}
}

// Searches that rely on the layout fail where it is newer than the program knows;
// others do not read it.
func TestSearchNewerLayout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 1)
	setLayout(t, f.table, map[string]int{"version": 4})
	f.Repository = dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name})
	for _, q := range []instance.Query{{Group: "group"}, {SubGroup: "sub"}, {Status: "created"}, {Name: "name"}} {
		q.Kind = numbered()
		if err := drain(f.Search(t.Context(), q)); !containsAll(fmt.Sprint(err), "layout 4", "deploy") {
			t.Errorf("%+v: error is %v", q, err)
		}
	}
	for _, q := range []instance.Query{{}, {Code: "code-1", Group: "group", Name: "name"}} {
		q.Kind = numbered()
		if got := ids(t, f.Search(t.Context(), q)); got != "[1]" {
			t.Errorf("%+v finds %s", q, got)
		}
	}
}

// A search needs no index but the keys of those for codes and groups until the
// layout is complete, so that the others can be made while the table serves.
func TestSearchWithoutIndexes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.table.Name += "-old"
	client := f.table.Client(nil)
	in := &dynamodb.CreateTableInput{TableName: &f.table.Name, BillingMode: types.BillingModePayPerRequest}
	key := func(partition, sort string) []types.KeySchemaElement {
		for _, name := range []string{partition, sort} {
			in.AttributeDefinitions = append(in.AttributeDefinitions,
				types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS})
		}
		return []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	in.KeySchema = key("pk", "sk")
	for name, schema := range map[string][]types.KeySchemaElement{"CodeIndex": key("cpk", "csk"), "GroupIndex": key("gpk", "gsk")} {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &name, KeySchema: schema, Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	must(t, failure(client.CreateTable(t.Context(), in)))
	t.Cleanup(func() { must(t, f.table.Delete(context.Background())) })
	f.other = dynamo.New(dynamo.Config{Client: client, Table: f.table.Name})
	f.create(t, 3)
	for _, q := range []instance.Query{
		{Code: "code-2", Status: "created"},
		{Group: "group"},
		{Group: "group", SubGroup: "sub", Status: "created", Name: "2"},
		{SubGroup: "sub", Name: "2"},
		{Status: "created", Name: "2"},
		{Name: "2"},
	} {
		q.Kind = numbered()
		want := "[2]"
		if q.Code+q.Name == "" {
			want = "[1 2 3]"
		}
		if got := ids(t, f.other.Search(t.Context(), q)); got != want {
			t.Errorf("%+v finds %s, want %s", q, got, want)
		}
	}
}
