package dynamo_test

import (
	"errors"
	"maps"
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
	must(t, err)
	after := i
	after.Name = "new"
	if i, err = f.Replace(t.Context(), i, after, f.change("replace"), nil); err != nil {
		t.Fatal(err)
	}
	got, err := f.Get(t.Context(), i.Key())
	if err != nil || !got.LastSeenAt.Equal(seen) || got.Name != "new" {
		t.Errorf("instance is %+v, %v", got, err)
	}
	after = got
	after.LastSeenAt = seen.Add(time.Hour)
	must(t, failure(f.Replace(t.Context(), got, after, f.change("replace"), nil)))
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
	must(t, f.other.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil))
	_, err := f.table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &f.table.Name, Key: attributes(map[string]string{"pk": "collections#numbered", "sk": i.Collection}),
	})
	must(t, err)
	must(t, failure(f.Restore(t.Context(), i.Key(), f.change("restore"))))
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
	must(t, failure(client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &f.table.Name, Item: item})))
	after := i
	after.Code = "other"
	_, replaceErr := f.Replace(t.Context(), i, after, f.change("replace"), nil)
	deleteErr := f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil)
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

// stored returns the texts and numbers of an item.
func (f *fixture) stored(t *testing.T, pk, sk string) map[string]string {
	t.Helper()
	out, err := f.table.Client(nil).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &f.table.Name, Key: attributes(map[string]string{"pk": pk, "sk": sk}),
	})
	must(t, err)
	texts := map[string]string{}
	for name, value := range out.Item {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			texts[name] = v.Value
		case *types.AttributeValueMemberN:
			texts[name] = v.Value
		default:
			texts[name] = "?"
		}
	}
	return texts
}

// What is idle is in its index by the day, and what is not, or is deleted, in
// none.
func TestIdleLayout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.fresh(1)
	i.Kind, i.Collection, i.ID = instance.Kind{Name: "named"}, "c", "x"
	i.IdleSince = time.Date(2026, 3, 4, 23, 59, 59, 999_000_000, time.UTC)
	const pk, shard = "instance#named#c", "named#07"
	check := func(what, ipk, isk string, since time.Time) {
		t.Helper()
		got := f.stored(t, pk, "x")
		idle := ""
		if !since.IsZero() {
			idle = strconv.FormatInt(since.UnixMilli(), 10)
		}
		if got["ipk"] != ipk || got["isk"] != isk || got["idle"] != idle {
			t.Errorf("%s: ipk %q, isk %q, idle %q; want %q, %q, %q", what, got["ipk"], got["isk"], got["idle"], ipk, isk, idle)
		}
	}
	since := func(at time.Time) {
		t.Helper()
		_, err := f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			i.IdleSince = at
			return i, nil
		})
		must(t, err)
	}
	must(t, f.Create(t.Context(), i, f.change("create"), nil))
	check("created", shard, "2026-03-04", i.IdleSince)
	next := i.IdleSince.Add(time.Millisecond)
	must(t, f.Touch(t.Context(), i.Key(), next))
	check("seen", shard, "2026-03-05", next)
	since(time.Time{})
	check("used", "", "", time.Time{})
	east := time.Date(2026, 3, 7, 1, 0, 0, 0, time.FixedZone("", 7200))
	since(east)
	check("idle again", shard, "2026-03-06", east)
	deleted := f.change("delete")
	must(t, f.Delete(t.Context(), i.Key(), deleted, nil, nil))
	trash := f.stored(t, "trash#"+shard, deleted.At.Format("2006-01-02T15:04:05.000000000Z")+"#x\x00"+i.Incarnation)
	if trash["idle"] != strconv.FormatInt(east.UnixMilli(), 10) || trash["ipk"] != "" || trash["isk"] != "" {
		t.Errorf("in the trash: %v", trash)
	}
	restored := f.change("restore")
	must(t, failure(f.Restore(t.Context(), i.Key(), restored)))
	check("restored", shard, "2026-01-02", restored.At)
}

// Where only one of its two times is as late already, a heartbeat writes the
// other.
func TestTouchOfDifferentClocks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.change("").At.Add(time.Hour)
	for id, later := range map[string]func(*instance.Instance){
		"idle": func(i *instance.Instance) { i.IdleSince = at.Add(time.Second) },
		"seen": func(i *instance.Instance) { i.LastSeenAt = at.Add(time.Second) },
	} {
		want := f.freshTimed(id)
		later(&want)
		must(t, f.Create(t.Context(), want, f.change("create"), nil))
		must(t, f.Touch(t.Context(), want.Key(), at))
		for _, time := range []*time.Time{&want.LastSeenAt, &want.IdleSince} {
			if time.Before(at) {
				*time = at
			}
		}
		got, err := f.Get(t.Context(), want.Key())
		if err != nil || !got.LastSeenAt.Equal(want.LastSeenAt) || !got.IdleSince.Equal(want.IdleSince) {
			t.Errorf("%s is later: %v and %v, %v; want %v and %v", id, got.LastSeenAt, got.IdleSince, err, want.LastSeenAt, want.IdleSince)
		}
	}
}

// What is kept of a purged key is who had its name.
func TestTombstoneLayout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	must(t, f.CreateCredential(t.Context(), f.ended))
	end := f.ended.ExpiresAt.Format("2006-01-02T15:04:05.000000000Z") + "#" + f.ended.Hash
	if got := f.stored(t, "endings", end); got["hash"] != f.ended.Hash {
		t.Errorf("end is %v", got)
	}
	must(t, f.PurgeCredential(t.Context(), f.ended))
	if got, want := f.stored(t, "keys", "ended"), map[string]string{"pk": "keys", "sk": "ended", "name": "ended", "owner": "o"}; !maps.Equal(got, want) {
		t.Errorf("name is %v, want %v", got, want)
	}
	for _, key := range [][2]string{{"endings", end}, {"secret#" + f.ended.Hash, "key"}} {
		if got := f.stored(t, key[0], key[1]); len(got) > 0 {
			t.Errorf("%v is left", got)
		}
	}
}
