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
// query parameters are decoded, and an escape in them that is not one is refused
// with 400 (which AWS does not document; see adamchainz/apig-wsgi#102). A request body is text: without binary media
// types API Gateway reads it as UTF-8, so invalid bytes become U+FFFD, and the
// Base64 of an answer is sent without being decoded.
//
// Where the template says so, a function streams its answer, and each part goes to
// the client when it comes: status, headers and a delimiter in the first 16 KB,
// and then the body. A stream may take as long as the template says, with at most
// five minutes between two parts. What fails before the body is an answer like
// any other. After that the gateway breaks the connection off, so that no client
// of HTTP/1.1 takes the answer for a whole one. A client that leaves, or closes
// its half of the connection, ends the invocation. Streams are neither compressed
// nor limited in size.
//
// Any other answer is compressed if the template says so and the client asks for it,
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
//   - AWS sends what a stream has beyond 10 MB with 2 MB/s at most, and lets a
//     function continue whose client has left. It documents neither how an answer
//     ends whose function fails, nor which headers of a stream are renamed; here
//     they are those of any answer.
//   - The body of a request whose answer streams is not passed on, so that it takes
//     no memory meanwhile.
//   - There is no throttling, no access log and no custom domain's base path.
package gateway
