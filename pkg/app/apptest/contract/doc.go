// Package contract holds what tests send and get over HTTP against the
// documents of the APIs, each an openapi.yaml next to its dialect:
//
//   - An answer must be described: status, headers, content type and body.
//   - A request that was accepted must be valid.
//   - A valid request must not be answered 400, except for a reason that no
//     schema can express. The document lists these as x-refusals.
//   - What the document describes must occur, at least once in the tests of the
//     package of its dialect: see [Document.Missing].
//
// The documents are loaded and validated with kin-openapi. Schemas are compiled
// once with the validator that it uses, since its own filter compiles them for
// each request, reads numbers as floats, and accepts undescribed headers and
// query parameters, and any answer to HEAD or with the status 304.
package contract
