package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/cleanup"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// CleanupSettings say what [Cleanup] removes.
type CleanupSettings struct {
	// Retention is how long deleted instances and ended keys are kept.
	Retention time.Duration
	// ComputeSilent and ExecutionEnded are how long compute instances are
	// silent, and execution instances ended, before they are deleted; 0 means
	// that they are not.
	ComputeSilent, ExecutionEnded time.Duration
}

// maxListed is how many due things the answer to a dry run lists: Lambda
// answers with 6 MB at most.
const maxListed = 1000

// cleanupEvent is what [Cleanup] is asked for.
type cleanupEvent struct {
	// DryRun asks what is due, without a change of it.
	DryRun bool `json:"dryRun"`
	// AsOf, in a dry run only, asks what will be due then. Zero means now.
	AsOf time.Time `json:"asOf"`
	// Time is that of the event: nothing later is due, whatever the clock says.
	// Zero, in an event that is sent by hand, means now.
	Time time.Time `json:"time"`
}

// cleanupAnswer is what [Cleanup] returns.
type cleanupAnswer struct {
	cleanup.Report
	// Due is what a dry run has found, of each sort in the order in which it
	// became due: the first maxListed.
	Due []cleanup.Due `json:"due,omitempty"`
}

// NewSweeper returns a cleanup of all kinds of this program, on a repository
// that may be a [cleanup.Timekeeper].
func NewSweeper(r cleanup.Repository, s CleanupSettings, now func() time.Time, logger *slog.Logger) (*cleanup.Sweeper, error) {
	clock, _ := r.(cleanup.Timekeeper)
	return cleanup.New(cleanup.Options{
		Repository: r,
		Timekeeper: clock,
		Kinds:      []instance.Kind{topology.Kind(), compute.Kind(), execution.Kind()},
		Retention:  s.Retention,
		Idle: []cleanup.IdleRule{
			{Kind: compute.Kind(), After: s.ComputeSilent},
			{Kind: execution.Kind(), After: s.ExecutionEnded},
		},
		Now:    now,
		Logger: logger,
	})
}

// Cleanup removes for good what is kept no longer. Its event has the fields
// dryRun, asOf and time, all optional, and its answer is the report. Where
// something failed, it returns the errors, so that Lambda tries again; the report is in
// the log then.
func Cleanup(d Dependencies) lambda.Handler { return cleanupHandler{d} }

// cleanupHandler is the function of [Cleanup].
type cleanupHandler struct{ Dependencies }

// Invoke cleans up.
func (h cleanupHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := decodeCleanupEvent(payload)
	if err != nil {
		return nil, fmt.Errorf("the event is not one of a cleanup: %w", err)
	}
	logger, by := h.Logger, instance.Change{}
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		logger = logger.With("function_request_id", lc.AwsRequestID)
		by.RequestID = lc.AwsRequestID
	}
	sweeper, err := NewSweeper(h.Repository, h.Cleanup, h.Now, logger)
	if err != nil {
		return nil, err
	}
	var answer cleanupAnswer
	if event.DryRun {
		answer.Report, err = sweeper.Preview(ctx, cmp.Or(event.AsOf, event.Time), answer.list)
	} else {
		answer.Report, err = sweeper.Sweep(ctx, cleanup.Request{AsOf: event.Time, By: by})
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// list adds what is due to the answer, as far as there is room.
func (a *cleanupAnswer) list(d cleanup.Due) error {
	if len(a.Due) < maxListed {
		a.Due = append(a.Due, d)
	}
	return nil
}

// decodeCleanupEvent reads the event of a cleanup: an object without other
// fields, so that a typo never starts a run that nobody wanted.
func decodeCleanupEvent(payload []byte) (cleanupEvent, error) {
	var event cleanupEvent
	if !bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{")) {
		return event, errors.New("it is not a JSON object")
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&event); err != nil {
		return event, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return event, errors.New("there is more after the object")
	}
	if !event.AsOf.IsZero() && !event.DryRun {
		return event, errors.New("asOf is for a dry run only")
	}
	return event, nil
}
