package auth

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// presented is what an Authorization header carries.
type presented struct {
	// name is the user name of Basic; the other schemes have none.
	name, secret string
	named        bool
}

// parse reads the one Authorization header of a request: Basic, or ApiKey or
// Token and a secret. The scheme is accepted in any case (RFC 9110, 11.1).
func parse(h http.Header) (presented, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return presented{}, false
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	rest = strings.TrimLeft(rest, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		decoded, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return presented{}, false
		}
		name, secret, ok := strings.Cut(string(decoded), ":")
		return presented{name, secret, true}, ok && name != "" && secret != ""
	case "apikey", "token":
		return presented{secret: rest}, rest != "" && !strings.ContainsAny(rest, " \t")
	}
	return presented{}, false
}
