package compute

import (
	"net/http"

	"instances/pkg/auth"
)

// The profiles of a key; see the package comment.
const (
	// DocumentProfile answers as the description says. It is the default.
	DocumentProfile = "document"
	// ClientProfile answers as the vendor's own client expects.
	ClientProfile = "client"
)

// profile is how a request is answered.
type profile struct {
	// created and deleted are the status codes of these operations.
	created, deleted int
	// numbers says that type is a number in lists and gets too.
	numbers bool
}

// profileOf returns how requests with the key are answered.
func profileOf(who auth.Principal) profile {
	if who.Profile(dialect) == ClientProfile {
		return profile{created: http.StatusCreated, deleted: http.StatusNoContent, numbers: true}
	}
	return profile{created: http.StatusOK, deleted: http.StatusOK}
}
