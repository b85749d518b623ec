package topology

import (
	"net/http"
	"strconv"
	"strings"

	"instances/pkg/instance"
)

// BasePath is the path of the collection, without a stage.
const BasePath = "/flexdeploy/rest/v1/topology/instance"

// onePath is the route of an instance.
const onePath = BasePath + "/{Id}"

// Kind returns the kind of the topology instances: numbered from 1, in the
// collections of [instance.Block].
func Kind() instance.Kind {
	return instance.Kind{Name: "topology", Order: instance.OrderNumber, NameSearch: true}
}

// key returns the key of the instance with the number n.
func key(n int64) instance.Key {
	return instance.Key{Kind: Kind(), Collection: instance.Block(n), ID: strconv.FormatInt(n, 10)}
}

// keyOf returns the key for the Id in the path of r, which must be a positive
// integer.
func keyOf(r *http.Request) (instance.Key, error) {
	text := r.PathValue("Id")
	if text == "" || strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return instance.Key{}, badID()
	}
	return Key(text)
}

// Key returns the key of the instance with the id, a positive integer. For an
// id that no instance can have, it returns [instance.ErrNotFound].
func Key(id string) (instance.Key, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		return instance.Key{}, instance.ErrNotFound
	}
	return key(n), nil
}
