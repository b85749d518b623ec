package execution

import (
	"fmt"
	"hash/fnv"
	"strings"

	"instances/pkg/instance"
)

// BasePath is the path that all operations are below, without a stage.
const BasePath = "/instances"

// dialect is the name of this dialect's kind.
const dialect = "execution"

// shards is how many collections the instances are spread over.
const shards = 16

// Kind returns the kind of the execution instances, sorted by id in each of
// their collections.
func Kind() instance.Kind {
	return instance.Kind{Name: dialect, Order: instance.OrderID}
}

// Key returns the key of the instance with the id. No instance has an id that
// is not valid: it returns [instance.ErrNotFound].
func Key(id string) (instance.Key, error) {
	if !validID(id) {
		return instance.Key{}, instance.ErrNotFound
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return instance.Key{Kind: Kind(), Collection: collection(h.Sum32() % shards), ID: id}, nil
}

// collection returns the name of a shard.
func collection(shard uint32) string { return fmt.Sprintf("%02d", shard) }

// collections returns the names of all shards.
func collections() []string {
	all := make([]string, shards)
	for shard := range all {
		all[shard] = collection(uint32(shard))
	}
	return all
}

// validID reports whether id can be the id of an instance.
func validID(id string) bool {
	return id != "" && len(id) <= 128 &&
		strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
