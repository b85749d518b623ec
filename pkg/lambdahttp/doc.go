// Package lambdahttp runs an http.Handler as a Lambda function behind an API
// Gateway REST API (events of payload format 1.0).
//
// It stands on aws-lambda-go-api-proxy, which is archived, and is the only
// package that imports it. The adapter is given an event that it cannot fail
// on, without anything that it would get wrong; what it leaves out is put
// into the request here, as the gateway sent it: method, host, path, query,
// headers and path values. On the way back a writer with the rules of
// net/http stands before the adapter's.
//
// What a handler can rely on:
//   - r.PathValue returns the path parameters, percent-decoded once. One with
//     a bad escape comes as it was sent.
//   - r.URL and r.RequestURI hold the path as the client sent it, without
//     stage or base path; [httpjson.CallFrom] has the path with them.
//   - r.RemoteAddr is the address of the client, without a port.
//   - The context ends a margin before Lambda would end the process.
//   - A panic is a 500, and the process lives on.
//   - No content type is guessed.
package lambdahttp
