// Package httpjson is the HTTP plumbing that the dialects share: handlers
// that return answers, bodies and queries read within limits, conditional and
// repeated requests, and pages of lists.
//
// It fixes no body of any answer: each dialect has one function that turns an
// error into a status and a body, and calls this package's errors by their
// type [RequestError].
package httpjson
