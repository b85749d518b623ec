// Package rehearsal runs the functions of the template as Lambda will: the same
// binaries, built for this machine, as processes over the Lambda Runtime API,
// with the environment that the template gives them.
//
// A process takes one request at a time. If all are busy, another one is started,
// up to a limit, which Lambda has too. When a process has ended, or was killed
// because it took too long, the next request starts another. Nothing is started
// before its first request.
package rehearsal
