package app_test

import (
	"reflect"
	"testing"

	"instances/pkg/app"
	"instances/pkg/repository/dynamo"
)

// No function can scan: what scans is out of their reach.
func TestFunctionsCannotScan(t *testing.T) {
	t.Parallel()
	if _, ok := reflect.TypeFor[*dynamo.Repository]().MethodByName("All"); !ok {
		t.Fatal("the repository has no method All: the test is out of date")
	}
	if _, ok := reflect.TypeFor[app.Repository]().MethodByName("All"); ok {
		t.Error("functions can list all instances, which scans the table")
	}
}
