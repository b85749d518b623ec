// Package gateway is a local API Gateway: an http.Handler that answers as the
// REST API of template.yaml does, and invokes functions with the events that
// API Gateway sends (payload format 1.0).
//
// Routes, mock answers, the request validator and the wording of refusals come
// from the template. What API Gateway does to every request and answer is
// here: which headers it drops or renames, which sizes and times it allows,
// and what an event looks like.
//
// Paths, and path parameters in events, stay percent-encoded as they were
// sent; query parameters are decoded. A request body is text: without binary
// media types API Gateway reads it as UTF-8, so bytes that are not become
// U+FFFD, and an answer that a function encodes as Base64 is sent as it is.
//
// Differences from AWS:
//   - Header names reach a function in Go's canonical form, since net/http
//     does not keep the client's; API Gateway passes the client's on.
//   - AWS documents no order among overlapping paths that would make API
//     Gateway try a second one. None is tried here, and the template has a
//     {proxy+} on every level, so that none needs to be.
//   - There is no throttling, no access log and no custom domain's base path.
package gateway
