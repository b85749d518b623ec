// Package relay runs a command line in the process that has a data folder
// open, over a Unix socket in that folder, since the embedded database lets
// only one process in.
//
// A connection carries one command. Both sides send frames: one byte that
// says what it is, the length of the payload in four bytes (big-endian), the
// payload. The client starts with its [Request]. The server then sends output,
// piece by piece, and waits for each to be taken, so that a command knows
// whether its output arrived; it asks for standard input only when the command
// reads it; and it ends with the exit code. When either side goes away, the
// command's context is done. It is done too when the client is interrupted, but
// that one goes on taking output until the command has said how far it got.
package relay
