package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// startWorking is a function that keeps a processor busy for the time of the
// processor that its event says.
func startWorking() {
	lambda.Start(func(text string) error {
		wanted, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		// The time of the processor, since other time passes while it stands
		// still.
		for start := cpuTime(os.Getpid()); cpuTime(os.Getpid())-start < wanted; {
			continue
		}
		return nil
	})
}
