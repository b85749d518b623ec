// Package runtimeapi runs the binaries that get deployed as processes of this
// machine, over the Lambda Runtime API, as Lambda does: one request at a time
// per process, with a time limit, and with Lambda's words where one fails.
//
// One listener serves all processes. Each finds its own invocations below its
// name: AWS_LAMBDA_RUNTIME_API is HOST:PORT/NAME. Whoever wants several
// processes of a function, or a new one after a failure, starts them; see
// package rehearsal.
//
// Differences from AWS:
//   - The processor is not throttled, neither after the start nor by the
//     memory that a function has, and the memory has no limit.
//   - A process that fails at its start is not started a second time for the
//     same request.
//   - There are no extensions, no response streams and no traces but their
//     ids.
package runtimeapi
