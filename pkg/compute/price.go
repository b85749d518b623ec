package compute

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
)

// maxPriceDigits bounds the digits of an ask price, on either side of the
// point.
const maxPriceDigits = 20

// parsePrice reads a decimal, and returns it without needless zeros. It is
// never a float, so that nothing is lost.
func parsePrice(text string) (price json.Number, value *big.Rat, ok bool) {
	m := regexp.MustCompile(`^[+-]?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$`).FindStringSubmatch(text)
	if m == nil || len(m[1]) > maxPriceDigits || len(m[2]) > maxPriceDigits {
		return "", nil, false
	}
	if exponent, _ := strconv.Atoi(m[3]); exponent > maxPriceDigits || exponent < -maxPriceDigits {
		return "", nil, false
	}
	value, ok = new(big.Rat).SetString(text)
	if !ok {
		return "", nil, false
	}
	// A decimal always has an exact form.
	places, _ := value.FloatPrec()
	return json.Number(value.FloatString(places)), value, true
}

// minPrice is the least ask price.
func minPrice() *big.Rat { return big.NewRat(1, 1000) }
