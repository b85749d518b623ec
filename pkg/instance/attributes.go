package instance

import (
	"encoding/json"
	"fmt"
)

// DecodeAttributes returns the attributes of i as the dialect of i, which
// alone knows them, declares them. An error is a fault of what is stored.
func DecodeAttributes[A any](i Instance) (A, error) {
	var a A
	if err := json.Unmarshal(i.Attributes, &a); err != nil {
		var none A
		return none, fmt.Errorf("decode attributes of %s: %w", i.Key(), err)
	}
	return a, nil
}
