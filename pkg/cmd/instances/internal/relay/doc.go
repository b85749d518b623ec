// Package relay runs a command line in the process that has a data folder
// open, since the embedded database lets only one process in. It is HTTP over
// a Unix socket in that folder, which only the owner of the folder may use.
//
// One POST runs one command: its URL has the [Request], and both bodies are
// streams of gobs (encoding/gob) while the command runs. The server sends output piece
// by piece and waits until the client has written it, so that a command knows
// whether its output arrived. It asks for standard input only when the command
// reads it, and ends with the exit code. When either side goes away, the
// command's context is done. An interrupt of the client ends that context too,
// but the client goes on taking output until the command has ended.
package relay

import "errors"

// protocol is the path to post to. It changes with what is sent.
const protocol = "/2/commands"

// maxPiece is the size of the largest piece of input or output, in bytes.
const maxPiece = 64 << 10

// errGone says that the other side of a connection went away.
var errGone = errors.New("the other process is gone")

// Request is a command line, as the client sends it.
type Request struct {
	// Version says which program the client is.
	Version string
	// Args are the arguments, without the name of the program.
	Args []string
	// Dir is the client's folder, to which relative paths in Args refer.
	Dir string
	// Terminal says that the client's standard error is a terminal.
	Terminal bool
}

// toClient is what the server sends: output for one of the two streams, a wish
// for Read bytes of standard input, or that the command is Done.
type toClient struct {
	Stdout, Stderr []byte
	Read           int
	Done           bool
	Exit           int
}

// toServer is what the client sends: that output was written, or the Error;
// Input, or that it is at its end, or the Error; or an interrupt.
type toServer struct {
	Wrote, Read, Interrupt bool
	Input                  []byte
	EOF                    bool
	Error                  string
}
