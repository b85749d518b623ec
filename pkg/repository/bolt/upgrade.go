package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// copySize is about how many bytes of keys and values a transaction of an
// upgrade writes.
const copySize = 8 << 20

// upgrade makes a file of today's layout from one of an earlier layout, puts it
// in the place of that, and returns it open and locked. The old file stays next
// to it. If it fails, the old one stays where it is.
func upgrade(path, found string, old *file, o Options) (f *file, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("bring the file up to date: %w", err)
		}
	}()
	kept, temporary := path+".layout-"+found, path+".upgrade"
	// Whoever has the old file locked is the only one that upgrades it.
	empty, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(temporary))) }()
	f, err = initialize(empty, &bbolt.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	var equal [][]instance.Instance
	if err = copyAll(f, old, found); err == nil {
		equal, err = equalCodes(f)
	}
	if err == nil && !o.NoSync {
		err = f.db.Sync()
	}
	if err == nil {
		f.db.NoSync = o.NoSync
		// An interrupted upgrade may have come this far.
		if err = os.Link(path, kept); errors.Is(err, fs.ErrExist) && checkInPlace(kept, old.f) == nil {
			err = nil
		}
	}
	if err == nil {
		// An upgrade that is interrupted after this tells it again.
		for _, of := range equal {
			if o.EqualCodes != nil {
				o.EqualCodes(of)
			}
		}
		err = os.Rename(temporary, path)
	}
	if err == nil && !o.NoSync {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// copyAll copies every record of an earlier layout into a new file, and indexes
// the instances anew.
func copyAll(to, from *file, found string) error {
	if err := to.update(makeBuckets); err != nil {
		return err
	}
	for _, name := range bucketNames() {
		if name == labelsBucket || slices.ContainsFunc(indexes(), func(x index) bool { return x.bucket == name }) {
			continue
		}
		for after, more := []byte(nil), true; more; {
			if err := from.view(func(old *bbolt.Tx) error {
				return to.update(func(tx *bbolt.Tx) (err error) {
					after, more, err = copySome(tx, old, name, found, after)
					return err
				})
			}); err != nil {
				return err
			}
		}
	}
	if found == layout1 {
		return to.update(upgradeFirst)
	}
	return nil
}

// copySome copies entries of a bucket that come after a key. It returns the last
// key, and whether there may be more.
func copySome(tx, old *bbolt.Tx, name, found string, after []byte) (last []byte, more bool, err error) {
	from := old.Bucket([]byte(name))
	if from == nil {
		return nil, false, nil
	}
	to := bucket(tx, name)
	// The entries come in order.
	to.b.FillPercent = 0.9
	if err := to.b.SetSequence(from.Sequence()); err != nil {
		return nil, false, err
	}
	cursor := from.Cursor()
	key, value := cursor.Seek(after)
	if after != nil {
		key, value = cursor.Next()
	}
	for size := 0; key != nil && size < copySize; key, value = cursor.Next() {
		if name == formatBucket && bytes.Equal(key, layoutKey()) {
			continue
		}
		if hasSeals(found) {
			value = to.open(key, value)
		}
		record, err := renew(tx, name, key, value)
		if err == nil {
			err = to.Put(key, record)
		}
		if err != nil {
			return nil, false, err
		}
		size += len(key) + len(value)
		last = bytes.Clone(key)
	}
	return last, key != nil, nil
}

// renew returns a record as it is stored today, and indexes an instance. It
// returns an error for one that cannot be read, since a checksum would vouch for
// it.
func renew(tx *bbolt.Tx, name string, key, value []byte) ([]byte, error) {
	var err error
	switch name {
	case instancesBucket, trashBucket:
		kind, position := cutPart(key)
		var i instance.Instance
		if i, err = decode(instance.Kind{Name: kind}, value); err == nil && name == instancesBucket {
			err = addIndexes(tx, i, position)
		}
		value = encode(i)
	case historyBucket:
		err = json.Unmarshal(value, &eventRecord{})
	case idempotencyBucket:
		err = json.Unmarshal(value, &answerRecord{})
	case credentialsBucket:
		_, err = decodeCredential(key, value)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		err = damaged("%s: %w", name, err)
	}
	return value, err
}

// addIndexes indexes the instance at a position.
func addIndexes(tx *bbolt.Tx, i instance.Instance, position []byte) error {
	for _, x := range indexes() {
		if err := moveEntry(bucket(tx, x.bucket), nil, x.entry(i, position)); err != nil {
			return err
		}
	}
	return setLabel(tx, i.Kind, position, fold.String(i.Name))
}

// equalCodes returns the instances that have a code which others have too.
func equalCodes(f *file) (all [][]instance.Instance, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		var code, first []byte
		return bucket(tx, codesBucket).forEach(func(entry, _ []byte) error {
			kind, rest := cutPart(entry)
			_, position := cutPart(rest)
			if prefix := entry[:len(entry)-len(position)]; !bytes.Equal(code, prefix) {
				code, first = prefix, position
				return nil
			}
			of := [][]byte{position}
			if first != nil {
				of, first = [][]byte{first, position}, nil
				all = append(all, nil)
			}
			for _, position := range of {
				i, err := decode(instance.Kind{Name: kind}, bucket(tx, instancesBucket).Get(append(parts(kind), position...)))
				if err != nil {
					return err
				}
				all[len(all)-1] = append(all[len(all)-1], i)
			}
			return nil
		})
	})
	return all, err
}

// upgradeFirst brings what layout 1 had to layout 2.
func upgradeFirst(tx *bbolt.Tx) error {
	for _, step := range []func(*bbolt.Tx) error{upgradeTrash, upgradeAnswers, upgradeHistory, upgradeCredentials} {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

// upgradeTrash gives every deleted instance its place of today. The key was
// kind, time and number.
func upgradeTrash(tx *bbolt.Tx) error {
	deleted := bucket(tx, trashBucket)
	var places [][]byte
	if err := deleted.forEach(func(place, _ []byte) error {
		places = append(places, bytes.Clone(place))
		return nil
	}); err != nil {
		return err
	}
	for _, old := range places {
		kind, rest := cutPart(old)
		if len(rest) != 2*numberSize {
			return damaged("the key of a deleted instance cannot be read")
		}
		at, number := cutTime(rest)
		record := bytes.Clone(deleted.Get(old))
		i, err := decode(instance.Kind{Name: kind}, record)
		if err != nil {
			return err
		}
		place := append(trashPrefix(i, at), number...)
		if err := deleted.Delete(old); err != nil {
			return err
		}
		if err := deleted.Put(place, record); err != nil {
			return err
		}
		if err := bucket(tx, trashedBucket).Put(append(idKey(i.Key()), number...), place); err != nil {
			return err
		}
	}
	return nil
}

// upgradeAnswers notes when the answers expire.
func upgradeAnswers(tx *bbolt.Tx) error {
	return bucket(tx, idempotencyBucket).forEach(func(key, value []byte) error {
		var a answerRecord
		if err := json.Unmarshal(value, &a); err != nil {
			return damaged("%w", err)
		}
		return expire(tx, time.Unix(a.Expires, 0), answerMark, key)
	})
}

// upgradeHistory notes when the events expire.
func upgradeHistory(tx *bbolt.Tx) error {
	return bucket(tx, historyBucket).forEach(func(key, value []byte) error {
		var e eventRecord
		if err := json.Unmarshal(value, &e); err != nil {
			return damaged("%w", err)
		}
		if e.Expires == 0 {
			return nil
		}
		return expire(tx, time.UnixMilli(e.Expires), eventMark, key)
	})
}

// upgradeCredentials notes when the keys end, and whose the names are.
func upgradeCredentials(tx *bbolt.Tx) error {
	return bucket(tx, credentialsBucket).forEach(func(hash, _ []byte) error {
		c, err := credential(tx, hash)
		if err != nil {
			return err
		}
		if err := bucket(tx, ownersBucket).Put(parts(c.Name), []byte(c.Owner)); err != nil {
			return err
		}
		return moveEntry(bucket(tx, endingsBucket), nil, ending(c))
	})
}
