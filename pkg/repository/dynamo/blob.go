package dynamo

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

const (
	// compressOver is the size above which bytes are stored compressed. Below
	// it, the capacity saved is not worth the time.
	compressOver = 4 << 10
	// maxBlobBytes bounds the size of a stored blob once decompressed.
	maxBlobBytes = 64 << 20
)

// blob is bytes inside an item, compressed if there are many.
type blob struct {
	Data []byte `dynamodbav:"data,omitempty"`
	Gzip bool   `dynamodbav:"gzip,omitempty"`
}

// newBlob packs b.
func newBlob(b []byte) (blob, error) {
	if len(b) <= compressOver {
		return blob{Data: b}, nil
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil {
		return blob{}, fmt.Errorf("compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return blob{}, fmt.Errorf("compress: %w", err)
	}
	if packed.Len() >= len(b) {
		return blob{Data: b}, nil
	}
	return blob{Data: packed.Bytes(), Gzip: true}, nil
}

// bytes is the inverse of newBlob.
func (b blob) bytes() ([]byte, error) {
	if !b.Gzip {
		return b.Data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b.Data))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxBlobBytes+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(out) > maxBlobBytes {
		return nil, fmt.Errorf("decompress: over %d bytes", maxBlobBytes)
	}
	return out, nil
}
