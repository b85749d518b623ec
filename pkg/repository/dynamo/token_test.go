package dynamo_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
)

// DynamoDB may answer a token that it knows as it did before: what was
// rejected is tried again with another token, what may have taken effect with
// the same one.
func TestTokens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault func(c call) (*http.Response, error)
		same  bool
	}{
		{"conflict", func(c call) (*http.Response, error) { return c.cancel("TransactionConflict") }, false},
		{"throttled", func(c call) (*http.Response, error) { return c.cancel("ThrottlingError") }, false},
		{"lost", func(call) (*http.Response, error) { return nil, errors.New("connection reset by peer") }, true},
		{"in progress", func(c call) (*http.Response, error) {
			return c.refuse(http.StatusBadRequest, "TransactionInProgressException")
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tokens []any
				f, _ := still(func(c call) (*http.Response, error) {
					tokens = append(tokens, c.Body["ClientRequestToken"])
					if len(tokens) == 1 {
						return test.fault(c)
					}
					return c.answer(http.StatusOK, map[string]any{})
				})
				i := f.fresh(1)
				must(t, failure(f.Replace(t.Context(), i, i, f.change("replace"), nil)))
				if len(tokens) != 2 || tokens[0] == nil || (tokens[0] == tokens[1]) != test.same {
					t.Errorf("tokens are %v, want two, the same: %v", tokens, test.same)
				}
			})
		})
	}
}

// An error at the deadline says whether other writes were in the way.
func TestConflictsUntilDeadline(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]bool{"TransactionConflict": true, "ThrottlingError": false} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _ := still(func(c call) (*http.Response, error) { return c.cancel(reason) })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				i := f.fresh(1)
				_, err := f.Replace(ctx, i, i, f.change("replace"), nil)
				if !errors.Is(err, instance.ErrUnavailable) || errors.Is(err, instance.ErrConflict) != want {
					t.Errorf("error is %v, want it to be %v, and of a conflict: %v", err, instance.ErrUnavailable, want)
				}
			})
		})
	}
}
