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
// An answer is compressed where the template says so and the client asks for
// it, and a compressed body of a request is decompressed. captured_test.go
// compares events with captured ones, and names their sources.
//
// Differences from AWS:
//   - Names of headers reach a function as the client spells them only behind
//     [KeepNames], and without TLS.
//   - AWS documents no order among overlapping paths that would make API
//     Gateway try a second one. None is tried here, and the template has a
//     {proxy+} on every level, so that none needs to be.
//   - There is no throttling, no access log and no custom domain's base path.
package gateway
