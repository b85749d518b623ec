package app

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app/function"
	"instances/pkg/auth"
	"instances/pkg/repository/dynamo"
)

// Start runs f in Lambda, on the table that the environment names; it never
// returns. Where the environment is not as it must be, it logs what is wrong
// and ends the process, which fails the start of the function.
func Start(f Function) {
	logger := function.LambdaLogger(os.Stdout, os.Getenv)
	s, err := readSettings(os.Getenv)
	if err == nil {
		var handler lambda.Handler
		if handler, err = newHandler(f, s, os.Getenv, logger); err == nil {
			function.Run(handler, os.Getenv)
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
