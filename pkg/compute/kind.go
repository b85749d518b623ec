package compute

import (
	"net/http"
	"strings"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// BasePath is the path of the collection, without a stage. The API documents
// it with a slash at its end; both are served.
const BasePath = "/api/v1/instances"

// onePath is the route of an instance.
const onePath = BasePath + "/{uuid}"

// dialect is the name of this dialect, of its kind and of its profiles.
const dialect = "compute"

// Settings configures the handlers.
type Settings struct {
	// Now is the clock; every handler needs it.
	Now func() time.Time
	// SilentAfter is how long a started instance may be silent before it counts as
	// not available. Only handlers that return instances need it.
	SilentAfter time.Duration
}

// Kind returns the kind of the compute instances: newest first, in one
// collection for each owner.
func Kind() instance.Kind {
	return instance.Kind{Name: dialect, Order: instance.OrderTime}
}

// Key returns the key of the owner's instance with the uuid. For anything but a
// UUID it returns [instance.ErrNotFound].
func Key(owner, uuid string) (instance.Key, error) {
	uuid = strings.ToLower(uuid)
	if !isUUID(uuid) {
		return instance.Key{}, instance.ErrNotFound
	}
	return instance.Key{Kind: Kind(), Collection: owner, ID: uuid}, nil
}

// keyOf returns the key of the instance of who that the path of r names; see [Key].
func keyOf(r *http.Request, who auth.Principal) (instance.Key, error) {
	return Key(who.Owner, r.PathValue("uuid"))
}

// isUUID reports whether text is a UUID in lower case.
func isUUID(text string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(text) != len(form) {
		return false
	}
	for n := range len(form) {
		digit := text[n] >= '0' && text[n] <= '9' || text[n] >= 'a' && text[n] <= 'f'
		if form[n] == '-' && text[n] != '-' || form[n] != '-' && !digit {
			return false
		}
	}
	return true
}
