package cli

import (
	"context"
	"errors"
	"io"
	"os"
)

// errInputTooLarge says that an input has more bytes than it may have.
var errInputTooLarge = errors.New("the input is too large")

// readInput reads the file at path, or standard input where that is "-". It
// returns [errInputTooLarge] for more than limit bytes.
func (e *environment) readInput(ctx context.Context, path string, limit int) ([]byte, error) {
	from := e.stdin
	if path != "-" {
		f, err := os.Open(e.path(path))
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	input, err := readAll(ctx, from, limit)
	if err != nil {
		return nil, err
	}
	if len(input) > limit {
		return nil, errInputTooLarge
	}
	return input, nil
}

// readAll reads r up to one byte more than limit. When ctx is done first, it
// leaves the read behind: a terminal cannot be interrupted.
func readAll(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	var input []byte
	done := make(chan error, 1)
	go func() {
		var err error
		input, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
		done <- err
	}()
	select {
	case err := <-done:
		return input, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inputName names an input in messages.
func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
