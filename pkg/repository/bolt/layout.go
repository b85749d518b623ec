package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// layout is the version of the buckets and records that this package writes,
// and oldLayout the earlier one that it brings up to date.
const (
	layout    = "2"
	oldLayout = "1"
)

// The names of the buckets.
const (
	instancesBucket   = "instances"
	pointersBucket    = "pointers"
	codesBucket       = "codes"
	groupsBucket      = "groups"
	idleBucket        = "idle"
	trashBucket       = "trash"
	trashedBucket     = "trashed"
	historyBucket     = "history"
	idempotencyBucket = "idempotency"
	expiriesBucket    = "expiries"
	sequencesBucket   = "sequences"
	credentialsBucket = "credentials"
	namesBucket       = "names"
	ownersBucket      = "owners"
	endingsBucket     = "endings"
	documentsBucket   = "documents"
	formatBucket      = "format"
)

// prepare makes the buckets of a new file, brings an older one up to date and
// refuses a file of another layout.
func prepare(tx *bbolt.Tx) error {
	for _, name := range []string{
		instancesBucket, pointersBucket, codesBucket, groupsBucket, idleBucket, trashBucket, trashedBucket,
		historyBucket, idempotencyBucket, expiriesBucket, sequencesBucket, credentialsBucket, namesBucket,
		ownersBucket, endingsBucket, documentsBucket, formatBucket,
	} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	format := bucket(tx, formatBucket)
	switch found := string(format.Get([]byte("layout"))); found {
	case layout:
		return nil
	case oldLayout:
		if err := upgrade(tx); err != nil {
			return fmt.Errorf("bring the file up to date: %w", err)
		}
	case "":
	default:
		return fmt.Errorf("the file has layout %q, this program reads %q", found, layout)
	}
	return format.Put([]byte("layout"), []byte(layout))
}

// upgrade makes layout 2 of layout 1, which had no owners, endings, expiries
// and idle instances, and whose trash was sorted by time and number only.
func upgrade(tx *bbolt.Tx) error {
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
	if err := deleted.ForEach(func(place, _ []byte) error {
		places = append(places, bytes.Clone(place))
		return nil
	}); err != nil {
		return err
	}
	for _, old := range places {
		kind, rest := cutPart(old)
		if len(rest) != 2*numberSize {
			return errDamaged
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
	return bucket(tx, idempotencyBucket).ForEach(func(key, value []byte) error {
		var a answerRecord
		if err := json.Unmarshal(value, &a); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		return expire(tx, time.Unix(a.Expires, 0), answerMark, key)
	})
}

// upgradeHistory notes when the events expire.
func upgradeHistory(tx *bbolt.Tx) error {
	return bucket(tx, historyBucket).ForEach(func(key, value []byte) error {
		var e eventRecord
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		if e.Expires == 0 {
			return nil
		}
		return expire(tx, time.UnixMilli(e.Expires), eventMark, key)
	})
}

// upgradeCredentials notes when the keys end, and whose the names are.
func upgradeCredentials(tx *bbolt.Tx) error {
	return bucket(tx, credentialsBucket).ForEach(func(hash, _ []byte) error {
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
