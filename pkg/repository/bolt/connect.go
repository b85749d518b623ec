package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// maxAttempts bounds how often a file is looked for that other processes make,
// replace or remove meanwhile.
const maxAttempts = 10

// errReplaced says that the path leads to another file than the one that was
// opened.
var errReplaced = errors.New("the database file was replaced meanwhile")

// openOrCreate returns the file at path, of today's layout and locked.
func openOrCreate(path string, o Options) (f *file, err error) {
	for range maxAttempts {
		f, err = openExisting(path, o)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = create(path, o)
		}
		if !errors.Is(err, errReplaced) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return f, err
}

// openExisting opens the file at path, if it is sound, and brings it up to
// date.
func openExisting(path string, o Options) (*file, error) {
	if err := inspect(path, o.LockTimeout); err != nil {
		return nil, err
	}
	f, err := connect(path, &bbolt.Options{Timeout: o.LockTimeout, NoSync: o.NoSync})
	if err != nil {
		return nil, err
	}
	found, err := f.layout()
	if err == nil {
		err = checkInPlace(path, f.f)
	}
	if err == nil && found == "" {
		found, err = layout, f.update(makeBuckets)
	}
	switch {
	case err != nil:
		return nil, errors.Join(err, f.close())
	case found == layout:
		return f, nil
	}
	upgraded, err := upgrade(path, found, f, o)
	return upgraded, errors.Join(err, f.close())
}

// inspect checks what can be checked at every start. It comes before bbolt
// reads the list of free pages, which an altered one would make panic with the
// file locked.
func inspect(path string, timeout time.Duration) error {
	f, err := connect(path, &bbolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(f.checkFile(false), f.close())
}

// connect opens a database that exists, and locks it. The error is
// [ErrLocked], [ErrDamaged], or one of the file system.
func connect(path string, o *bbolt.Options) (f *file, err error) {
	var opened *os.File
	o.FreelistType = bbolt.FreelistMapType
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		// bbolt would make a database of a file that is missing or empty.
		if opened, err = os.OpenFile(name, flag&^os.O_CREATE, mode); err != nil {
			return nil, err
		}
		info, err := opened.Stat()
		if err == nil && info.Size() == 0 {
			err = damaged("it is empty")
		}
		if err != nil {
			return nil, errors.Join(err, opened.Close())
		}
		return opened, nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			fault, _ := faulted(p)
			f, err = nil, errors.Join(fault, opened.Close())
		}
	}()
	db, err := bbolt.Open(path, 0, o)
	var other *fs.PathError
	switch {
	case err == nil:
		return newFile(db, opened), nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, ErrDamaged), errors.As(err, &other):
		return nil, err
	case errors.Is(err, bbolterrors.ErrInvalid):
		return nil, damaged("it is not a database, or its start is lost")
	}
	return nil, damaged("%w", err)
}

// checkFile checks the pages of a file, all or those that every start checks.
func (f *file) checkFile(whole bool) error {
	bad, unsealed := f.checkPages(whole)
	if err := bad.err(); err != nil {
		return err
	}
	found, err := f.layout()
	if err == nil && hasSeals(found) {
		err = unsealed.err()
	}
	return err
}

// layout returns the layout of the file: see [layoutOf].
func (f *file) layout() (found string, err error) {
	err = f.view(func(tx *bbolt.Tx) (err error) {
		found, err = layoutOf(tx)
		return err
	})
	return found, err
}

// checkInPlace reports a file that is no longer the one at path.
func checkInPlace(path string, f *os.File) error {
	there, err := os.Stat(path)
	if err != nil {
		return err
	}
	opened, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(there, opened) {
		return errReplaced
	}
	return nil
}

// create makes the file, all at once: it is written under another name, and
// gets its own when it is whole. The error is [fs.ErrExist] when there is a
// file meanwhile.
func create(path string, o Options) (f *file, err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+newSuffix+"*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(temporary.Name()))) }()
	f, err = initialize(temporary, &bbolt.Options{NoSync: o.NoSync})
	if err != nil {
		return nil, err
	}
	if err = f.update(makeBuckets); err == nil {
		// Unlike a rename, it never replaces a file.
		err = os.Link(temporary.Name(), path)
	}
	if err == nil && !o.NoSync {
		err = syncFolder(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// The process that was faster has tidied up.
		err = fs.ErrExist
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, removeLeftovers(path)
}

// initialize makes an empty database of an empty file, which it closes if that
// fails.
func initialize(empty *os.File, o *bbolt.Options) (*file, error) {
	o.FreelistType = bbolt.FreelistMapType
	o.OpenFile = func(string, int, os.FileMode) (*os.File, error) { return empty, nil }
	db, err := bbolt.Open(empty.Name(), 0, o)
	if err != nil {
		return nil, err
	}
	return newFile(db, empty), nil
}

// newSuffix is in the names of files that are not whole yet.
const newSuffix = ".new-"

// removeLeftovers removes what processes that were killed while they made the
// file have left.
func removeLeftovers(path string) error {
	folder, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, entry := range folder {
		if strings.HasPrefix(entry.Name(), filepath.Base(path)+newSuffix) {
			if err := ignoreMissing(os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))); err != nil {
				return err
			}
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncFolder makes the name of a file durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// damaged returns an [ErrDamaged] that says what is wrong.
func damaged(format string, values ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, values...))
}

// faulted returns the error that a panic stands for, and whether that is about
// a page and not a record: bbolt met it, or the memory that the file is mapped
// to could not be read.
func faulted(p any) (err error, inPage bool) {
	switch p := p.(type) {
	case interface{ Addr() uintptr }:
		return damaged("a page of it cannot be read"), true
	case error:
		if errors.Is(p, ErrDamaged) {
			return p, false
		}
		return damaged("%w", p), true
	}
	return damaged("%v", p), true
}
