package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

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
func openOrCreate(path string, o Options) (db *bbolt.DB, f *os.File, err error) {
	for range maxAttempts {
		db, f, err = openExisting(path, o)
		if errors.Is(err, fs.ErrNotExist) {
			db, f, err = create(path, o)
		}
		if !errors.Is(err, errReplaced) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return db, f, err
}

// openExisting opens the file at path and brings it up to date.
func openExisting(path string, o Options) (*bbolt.DB, *os.File, error) {
	db, f, err := connect(path, &bbolt.Options{Timeout: o.LockTimeout, NoSync: o.NoSync})
	if err != nil {
		return nil, nil, err
	}
	if err := checkInPlace(path, f); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	found, err := checkStart(db, f)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	switch found {
	case layout:
		return db, f, nil
	case "":
		if err := (&file{db: db}).update(makeBuckets); err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		return db, f, nil
	}
	newDB, newFile, err := upgrade(path, found, db, o)
	return newDB, newFile, errors.Join(err, db.Close())
}

// connect opens a database that exists, and locks it. The error is
// [ErrLocked], [ErrDamaged], or one of the file system.
func connect(path string, o *bbolt.Options) (db *bbolt.DB, f *os.File, err error) {
	o.FreelistType = bbolt.FreelistMapType
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		// bbolt would make a database of a file that is missing or empty.
		if f, err = os.OpenFile(name, flag&^os.O_CREATE, mode); err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && info.Size() == 0 {
			err = damaged("it is empty")
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			// This gives up the lock.
			db, err = nil, errors.Join(faulted(p), f.Close())
		}
	}()
	db, err = bbolt.Open(path, 0, o)
	var other *fs.PathError
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, nil, ErrLocked
	case err == nil, errors.Is(err, ErrDamaged), errors.As(err, &other):
		return db, f, err
	case errors.Is(err, bbolterrors.ErrInvalid):
		return nil, nil, damaged("it is not a database, or its start is lost")
	}
	return nil, nil, damaged("%w", err)
}

// checkStart checks what can be checked at every start, and returns the layout
// of the file.
func checkStart(db *bbolt.DB, f *os.File) (found string, err error) {
	bad, unsealed, err := checkPages(db, f, false)
	if err == nil {
		err = bad.err()
	}
	if err != nil {
		return "", err
	}
	err = (&file{db: db}).view(func(tx *bbolt.Tx) (err error) {
		found, err = layoutOf(tx)
		return err
	})
	if err == nil && found == layout {
		err = unsealed.err()
	}
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
func create(path string, o Options) (db *bbolt.DB, f *os.File, err error) {
	f, err = os.CreateTemp(filepath.Dir(path), filepath.Base(path)+newSuffix+"*")
	if err != nil {
		return nil, nil, err
	}
	temporary := f.Name()
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(temporary))) }()
	db, err = initialize(f, &bbolt.Options{NoSync: o.NoSync})
	if err != nil {
		return nil, nil, err
	}
	if err = (&file{db: db}).update(makeBuckets); err == nil {
		// Unlike a rename, it never replaces a file.
		err = os.Link(temporary, path)
	}
	if err == nil && !o.NoSync {
		err = syncFolder(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// The process that was faster has tidied up.
		err = fs.ErrExist
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, f, removeLeftovers(path)
}

// initialize makes an empty database of an empty file, which it closes if that
// fails.
func initialize(f *os.File, o *bbolt.Options) (*bbolt.DB, error) {
	o.FreelistType = bbolt.FreelistMapType
	o.OpenFile = func(string, int, os.FileMode) (*os.File, error) { return f, nil }
	return bbolt.Open(f.Name(), 0, o)
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

// faulted returns the error that a panic stands for: of this package, of
// bbolt, or a page fault, since what is read is mapped into memory.
func faulted(p any) error {
	if err, ok := p.(error); ok {
		if errors.Is(err, ErrDamaged) {
			return err
		}
		return damaged("%w", err)
	}
	return damaged("%v", p)
}
