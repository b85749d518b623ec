// Package rehearsal runs the functions of the template as Lambda will: the
// very binaries that get deployed, built for this machine, as processes over
// the Lambda Runtime API, with the environment that the template gives them.
//
// A process takes one request at a time. Where all are busy, another one is
// started, up to a limit that Lambda would have too; where one ended, or was
// ended since it took too long, the next request starts another one. Nothing
// is started before its first request.
package rehearsal
