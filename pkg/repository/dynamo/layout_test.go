package dynamo_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// The tests here write items directly, as package documentation lays them
// out, to stand for what other writers do.

func attributes(texts map[string]string) map[string]types.AttributeValue {
	all := map[string]types.AttributeValue{}
	for name, text := range texts {
		all[name] = &types.AttributeValueMemberS{Value: text}
	}
	return all
}

// A replace keeps what a heartbeat has written since the instance was read,
// unless it is about just that.
func TestReplaceKeepsHeartbeat(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	seen := time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	update := "SET seen = :t"
	_, err := f.table.Client(nil).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &f.table.Name, UpdateExpression: &update,
		Key: attributes(map[string]string{"pk": "instance#numbered#" + instance.Block(1), "sk": "0000000000000000001"}),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":t": &types.AttributeValueMemberN{Value: strconv.FormatInt(seen.UnixMilli(), 10)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	after := i
	after.Name = "new"
	if i, err = f.Replace(t.Context(), i, after, f.change("replace")); err != nil {
		t.Fatal(err)
	}
	got, err := f.Get(t.Context(), i.Key())
	if err != nil || !got.LastSeenAt.Equal(seen) || got.Name != "new" {
		t.Errorf("instance is %+v, %v", got, err)
	}
	after = got
	after.LastSeenAt = seen.Add(time.Hour)
	if _, err := f.Replace(t.Context(), got, after, f.change("replace")); err != nil {
		t.Fatal(err)
	}
	got, err = f.Get(t.Context(), i.Key())
	if err != nil || !got.LastSeenAt.Equal(seen.Add(time.Hour)) {
		t.Errorf("last seen at %v, %v", got.LastSeenAt, err)
	}
}

// A collection that was taken out of the directory is in it again when
// something comes back to it.
func TestRestoreEntersCollection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	if err := f.other.Delete(t.Context(), i.Key(), f.change("delete"), nil); err != nil {
		t.Fatal(err)
	}
	_, err := f.table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &f.table.Name, Key: attributes(map[string]string{"pk": "collections#numbered", "sk": i.Collection}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered()})); got != "[1]" {
		t.Errorf("list is %s", got)
	}
}

// A guard that says that another instance has the code is not removed. That
// it is wrong is a fault, and none of the caller.
func TestGuardOfAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	guard := map[string]string{"pk": "code#numbered#CODE-1", "sk": "guard"}
	item := attributes(guard)
	item["col"], item["id"] = &types.AttributeValueMemberS{Value: i.Collection}, &types.AttributeValueMemberS{Value: "2"}
	client := f.table.Client(nil)
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &f.table.Name, Item: item}); err != nil {
		t.Fatal(err)
	}
	after := i
	after.Code = "other"
	_, replaceErr := f.Replace(t.Context(), i, after, f.change("replace"))
	deleteErr := f.Delete(t.Context(), i.Key(), f.change("delete"), nil)
	for _, err := range []error{replaceErr, deleteErr} {
		if err == nil || errors.Is(err, instance.ErrConflict) || errors.Is(err, instance.ErrCodeTaken) || errors.Is(err, instance.ErrNotFound) {
			t.Errorf("error is %v", err)
		}
	}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &f.table.Name, Key: attributes(guard)})
	if err != nil || len(out.Item) == 0 {
		t.Errorf("guard is %v, %v", out.Item, err)
	}
	if got := f.operations(t, i.Key()); got != "[create]" {
		t.Errorf("history is %s", got)
	}
}
