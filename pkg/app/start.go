package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/auth"
	"instances/pkg/lambdahttp"
	"instances/pkg/repository/dynamo"
)

// Start runs f in Lambda, on the table that the environment names; it never
// returns. Where the environment is not as it must be, it logs what is wrong
// and ends the process, which fails the start of the function.
func Start(f Function) {
	s, err := readSettings(os.Getenv)
	logger := NewLogger(os.Stdout, s.level, slog.String("function_name", s.function))
	if err == nil {
		var handler lambda.Handler
		if handler, err = newHandler(f, s, os.Getenv, logger); err == nil {
			lambda.StartWithOptions(runtimeForm(handler, os.Getenv))
		}
	}
	logger.Error("the function cannot start", slog.Any("error", err))
	os.Exit(1)
}

// newHandler makes f on DynamoDB. It calls nothing yet.
func newHandler(f Function, s settings, getenv func(string) string, logger *slog.Logger) (lambda.Handler, error) {
	client, err := dynamo.NewClient(getenv)
	if err != nil {
		return nil, err
	}
	repository := dynamo.New(dynamo.Config{
		Client:           client,
		Table:            s.table,
		Now:              time.Now,
		HistoryRetention: s.historyRetention,
		IndexedNames:     s.indexedNames,
		Logger:           logger,
	})
	return f(Dependencies{
		Repository:  repository,
		Keys:        auth.NewAuthenticator(repository, time.Now),
		Now:         time.Now,
		Logger:      logger,
		AllowOrigin: s.allowOrigin,
		SilentAfter: s.silentAfter,
		Cleanup:     s.cleanup,
	}), nil
}

// runtimeForm returns what the runtime takes: the function that streams where h
// does, except in SAM CLI, which cannot (aws/aws-sam-cli#6501, #9028).
func runtimeForm(h lambda.Handler, getenv func(string) string) any {
	s, ok := h.(lambdahttp.Streamer)
	if !ok || getenv("AWS_SAM_LOCAL") == "true" {
		return h
	}
	return func(ctx context.Context, event json.RawMessage) (io.Reader, error) { return s.Stream(ctx, event) }
}
