# The environment in which the functions are built, for deployment and for its
# check alike. To be sourced.
# shellcheck shell=bash
export SAM_CLI_TELEMETRY=0
export CGO_ENABLED=0
export GOFLAGS='-buildvcs=false -trimpath -tags=lambda.norpc "-ldflags=-s -w"'
