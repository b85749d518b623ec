package bolt

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// layout is the version of the buckets and records that this package writes.
// Files of the earlier ones are brought up to date: layout 4 folded texts in
// another way, and had one instance for each code, layout 3 had no indexes of
// subgroups, statuses and names either, layout 2 no checksums, and layout 1
// neither these nor owners, endings, expiries and idle instances. The trash of
// layout 1 was sorted by time and number only.
const (
	layout  = "5"
	layout4 = "4"
	layout3 = "3"
	layout2 = "2"
	layout1 = "1"
)

// The names of the buckets.
const (
	instancesBucket   = "instances"
	pointersBucket    = "pointers"
	codesBucket       = "codes"
	groupsBucket      = "groups"
	subGroupsBucket   = "subgroups"
	statusesBucket    = "statuses"
	labelsBucket      = "labels"
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

// bucketNames returns the names of the buckets that every file has.
func bucketNames() []string {
	return []string{
		instancesBucket, pointersBucket, codesBucket, groupsBucket, subGroupsBucket, statusesBucket, labelsBucket,
		idleBucket, trashBucket, trashedBucket, historyBucket, idempotencyBucket, expiriesBucket, sequencesBucket,
		credentialsBucket, namesBucket, ownersBucket, endingsBucket, documentsBucket, formatBucket,
	}
}

// makeBuckets makes what a new file has.
func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range bucketNames() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(formatBucket)).Put(layoutKey(), []byte(layout))
}

// layoutKey is the key of the layout, which has no checksum: an earlier or
// later program reads it too.
func layoutKey() []byte { return []byte("layout") }

// layoutOf returns the layout of a file. It is empty for a database without a
// bucket, which is what an earlier program left when its first start failed.
func layoutOf(tx *bbolt.Tx) (string, error) {
	format := tx.Bucket([]byte(formatBucket))
	if format == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return "", damaged("bucket %s is missing", formatBucket)
		}
		return "", nil
	}
	found := string(format.Get(layoutKey()))
	switch found {
	case layout:
		for _, name := range bucketNames() {
			_ = bucket(tx, name)
		}
	case layout4, layout3, layout2, layout1:
	case "":
		return "", damaged("its layout is lost")
	default:
		return "", fmt.Errorf("the file has layout %q, and this program knows those up to %s: use the version of the "+
			"program that wrote the file, or go back to a backup; an upgrade keeps the file as it was next to it, "+
			"with its layout at the end of its name", found, layout)
	}
	return found, nil
}

// hasSeals reports whether values end in checksums in that layout.
func hasSeals(layout string) bool { return layout != layout2 && layout != layout1 }
