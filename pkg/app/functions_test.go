package app_test

import (
	"testing"

	"instances/pkg/app"
	"instances/pkg/lambdahttp"
)

// The lists are streamed, and nothing else.
func TestStreamers(t *testing.T) {
	t.Parallel()
	for name, function := range app.Functions() {
		_, streams := function(app.Dependencies{}).(lambdahttp.Streamer)
		list := name == "topology-search" || name == "topology-history" || name == "compute-list" || name == "execution-list"
		if streams != list {
			t.Errorf("%s streams: %v, want %v", name, streams, list)
		}
	}
}
