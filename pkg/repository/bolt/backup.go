package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// Backup copies what is stored, as it is at one moment, to a file that can
// take the place of the database, and returns its size in bytes. The copy is
// written next to the file to, checked from end to end, and then renamed: a
// file that was there is replaced by a whole one or not at all. It has mode
// 0600. Others may read and write meanwhile; a write that outgrows what is
// mapped into memory waits.
func (r *Repository) Backup(ctx context.Context, to string) (int64, error) {
	return r.file.backup(ctx, to)
}

// Backup is [Repository.Backup] for the file at path, which no process may
// have open. It also copies a file that [Open] refuses, where that has all
// records and one of its two meta pages; then the last write may be missing.
func Backup(ctx context.Context, path, to string, timeout time.Duration) (size int64, err error) {
	f, err := openReadOnly(path, timeout)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	return f.backup(ctx, to)
}

// openReadOnly opens a file as it is.
func openReadOnly(path string, timeout time.Duration) (*file, error) {
	f, err := connect(path, &bbolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

func (f *file) backup(ctx context.Context, to string) (size int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up to %s: %w", to, err)
		}
	}()
	switch there, err := os.Stat(to); {
	case err != nil:
	case there.IsDir():
		return 0, errors.New("is a folder")
	default:
		if opened, err := f.f.Stat(); err != nil || os.SameFile(there, opened) {
			return 0, errors.Join(err, errors.New("is the database itself"))
		}
	}
	temporary, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+newSuffix+"*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, errors.New("its folder does not exist")
	case err != nil:
		return 0, err
	}
	defer func() {
		// It has another name by then, where all went well.
		err = errors.Join(err, ignoreMissing(os.Remove(temporary.Name())))
	}()
	err = f.view(func(tx *bbolt.Tx) (err error) {
		size, err = tx.WriteTo(writer{ctx, temporary})
		// bbolt names an error of the writer, but does not wrap it.
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, io.EOF):
			err = damaged("it is cut off")
		}
		return err
	})
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err != nil {
		return 0, err
	}
	if err := checkCopy(temporary.Name()); err != nil {
		return 0, err
	}
	if err := os.Rename(temporary.Name(), to); err != nil {
		return 0, err
	}
	return size, syncFolder(to)
}

// checkCopy reads all of a copy.
func checkCopy(path string) error {
	f, err := openReadOnly(path, time.Second)
	if err != nil {
		return err
	}
	return errors.Join(f.checkFile(true), f.close())
}

// writer writes until its context ends.
type writer struct {
	ctx context.Context
	w   io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}
