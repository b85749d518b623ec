// Package runtimeapi runs the binaries of functions as local processes over the
// Lambda Runtime API, as Lambda does: one request at a time per process, with a
// time limit, and with Lambda's wording of failures.
//
// One listener serves all processes. Each has its own path, since
// AWS_LAMBDA_RUNTIME_API is HOST:PORT/NAME. The caller decides how many processes
// a function has and when to start another; see package rehearsal.
//
// Differences from AWS:
//   - Neither the processor nor the memory is limited.
//   - A process that fails to start is not started again for the same request.
//   - An answer streams if the caller asks for a stream, whatever the function
//     says about its mode: AWS's runtime client for Go says nothing. There is no
//     limit on the bandwidth.
//   - A process whose reader leaves is told so at once. AWS documents only that it
//     may continue.
//   - There are no extensions, and of traces there are only the IDs.
package runtimeapi
