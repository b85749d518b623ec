// Package lambdahttp runs an http.Handler as a Lambda function behind an API
// Gateway REST API (events of payload format 1.0).
//
// It builds on aws-lambda-go-api-proxy, which is archived, and is the only package
// that imports it. The adapter gets a minimal event that it cannot fail on. What
// it would get wrong is set on the request here, as the gateway sent it: method,
// host, path, query, headers and path values. On the way back, a writer that
// follows the rules of net/http wraps that of the adapter; where the answer is
// streamed, which the adapter cannot do, it leads to a reader instead.
//
// A handler can rely on the following:
//   - r.PathValue returns path parameters percent-decoded once. One with an
//     invalid escape is returned as it was sent.
//   - r.Header has canonical names, however the event spells them.
//   - r.URL and r.RequestURI hold the path as the client sent it, without
//     stage or base path; [httpjson.CallFrom] has the path with them.
//   - r.RemoteAddr is the address of the client, without a port.
//   - The context ends a margin before Lambda would kill the process.
//   - A panic is answered with 500, or breaks a streamed answer off that has
//     begun, and the process continues.
//   - The writer implements http.Flusher if and only if the answer is streamed.
//   - No content type is guessed.
package lambdahttp
