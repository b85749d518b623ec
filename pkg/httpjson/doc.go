// Package httpjson is the HTTP plumbing that the dialects share: handlers
// that return answers, bodies and queries read within limits, conditional and
// repeated requests, and lists, which are sent while they are read.
//
// It does not define the body of any answer: in each dialect, one function turns
// an error, such as this package's [RequestError], into a status and a body.
package httpjson
