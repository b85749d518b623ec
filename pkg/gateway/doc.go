// Package gateway is a local API Gateway: an http.Handler that answers as the
// REST API of template.yaml does, and invokes functions with the events that
// API Gateway sends (payload format 1.0).
//
// Routes, mock answers and the wording of refusals come from the template. This
// package implements what API Gateway does to every request and answer: which
// headers it drops or renames, which sizes and times it allows, and what an event
// looks like.
//
// Paths, and path parameters in events, stay percent-encoded as they were sent;
// query parameters are decoded. A request body is text: without binary media
// types API Gateway reads it as UTF-8, so invalid bytes become U+FFFD, and the
// Base64 of an answer is sent without being decoded.
//
// An answer is compressed if the template says so and the client asks for it,
// and a compressed request body is decompressed. captured_test.go compares events
// with captured ones and names their sources.
//
// Differences from AWS:
//   - Names of headers reach a function in their canonical form, such as
//     If-Match. On AWS they come as they were sent over HTTP/1.1, and in lower
//     case over HTTP/2; no function depends on their case.
//   - Of a body that is larger than any function takes, a function gets the
//     first part, so that its own refusal is the answer. The memory that bodies
//     take together is bounded. A request whose body finds no room within a
//     second, or is the slowest of too many to arrive, is answered with the
//     template's words for DEFAULT_5XX, status 503 and Retry-After.
//   - Among overlapping paths, only the best match is tried. AWS does not
//     document whether API Gateway tries another. The template has a {proxy+} on
//     every level, so that it makes no difference.
//   - There is no throttling, no access log and no custom domain's base path.
package gateway
