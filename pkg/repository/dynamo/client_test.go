package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

// The environment of a function is all that a client needs.
func TestNewClient(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	client, err := dynamo.NewClient(table.Getenv)
	must(t, err)
	r := dynamo.New(dynamo.Config{Client: client, Table: table.Name})
	if n, err := r.NextNumber(t.Context(), numbered()); err != nil || n != 1 {
		t.Errorf("next number is %d, %v", n, err)
	}
}

func TestNewClientEnvironment(t *testing.T) {
	t.Parallel()
	complete := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "very secret",
		"AWS_SESSION_TOKEN": "token",
	}
	for _, missing := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		_, err := dynamo.NewClient(func(name string) string {
			if name == missing {
				return ""
			}
			return complete[name]
		})
		if err == nil || !strings.Contains(err.Error(), missing) || strings.Contains(err.Error(), "very secret") {
			t.Errorf("without %s: error is %v", missing, err)
		}
	}
	client, err := dynamo.NewClient(func(name string) string { return complete[name] })
	must(t, err)
	o := client.Options()
	got, err := o.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "id" || got.SecretAccessKey != "very secret" || got.SessionToken != "token" {
		t.Errorf("credentials are %+v, %v", got, err)
	}
	if o.Region != "eu-central-1" || o.BaseEndpoint != nil {
		t.Errorf("region %q, endpoint %v", o.Region, o.BaseEndpoint)
	}
}

// The debug log has each call, with what it consumed, and no contents.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	table := dynamotest.NewTable(t)
	r := dynamo.New(dynamo.Config{
		Client: table.Client(nil), Table: table.Name,
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	key := instance.Key{Kind: numbered(), Collection: instance.Block(1), ID: "1"}
	if _, err := r.Get(t.Context(), key); !errors.Is(err, instance.ErrNotFound) {
		t.Fatal(err)
	}
	hash := auth.Hash("secret")
	if _, err := r.Credential(t.Context(), hash); !errors.Is(err, auth.ErrNoCredential) {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, `"operation":"GetItem","read_units":1,"write_units":0`) != 2 || strings.Contains(got, hash) {
		t.Errorf("log is %s", got)
	}
}

// The log has why DynamoDB throttles a call, in its own words.
func TestThrottleLog(t *testing.T) {
	t.Parallel()
	const resource = "arn:aws:dynamodb:eu-central-1:1:table/instances"
	for _, test := range []struct{ name, code, reason, want string }{
		{"hot key", "ThrottlingException", "TableReadKeyRangeThroughputExceeded", "TableReadKeyRangeThroughputExceeded " + resource},
		{
			"limit of the table", "ProvisionedThroughputExceededException", "TableReadMaxOnDemandThroughputExceeded",
			"TableReadMaxOnDemandThroughputExceeded " + resource,
		},
		{"limit of the account", "RequestLimitExceeded", "TableReadAccountLimitExceeded", "TableReadAccountLimitExceeded " + resource},
		{"no reason", "ThrottlingException", "", "ThrottlingException: slow down"},
		{"part of a transaction", "", "ThrottlingError", "ThrottlingError: injected"},
		{"conflict of transactions", "", "TransactionConflict", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				f, w := still(func(c call) (*http.Response, error) {
					if test.code == "" {
						return c.cancel(test.reason)
					}
					body := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + test.code, "message": "slow down"}
					if test.reason != "" {
						// The service spells the name in both ways.
						reasons := []any{map[string]any{"reason": test.reason, "resource": resource}}
						body["throttlingReasons"], body["ThrottlingReasons"] = reasons, reasons
					}
					return c.answer(http.StatusBadRequest, body)
				})
				f.Repository = dynamo.New(dynamo.Config{
					Client: w.client(), Table: "table", Logger: slog.New(slog.NewJSONHandler(&log, nil)),
				})
				f.AssumeLayout()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				operation, i := "TransactWriteItems", f.fresh(1)
				var err error
				if test.code == "" {
					_, err = f.Replace(ctx, i, i, f.change("replace"), nil)
				} else {
					operation = "GetItem"
					_, err = f.Get(ctx, i.Key())
				}
				if !errors.Is(err, instance.ErrUnavailable) {
					t.Fatal(err)
				}
				lines, want := strings.Split(log.String(), "\n"), 0
				if test.want != "" {
					want = len(w.sent())
				}
				if len(lines)-1 != want {
					t.Errorf("%d lines for %d calls", len(lines)-1, len(w.sent()))
				}
				text := fmt.Sprintf(`"level":"WARN","msg":"dynamodb throttled","operation":%q,"reasons":[%q]`, operation, test.want)
				if want > 0 && !strings.Contains(lines[0], text) {
					t.Errorf("line is %s, want %s", lines[0], text)
				}
			})
		})
	}
}
