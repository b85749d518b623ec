package compute

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// maxPriceDigits bounds the digits of an ask price, on either side of the
// point.
const maxPriceDigits = 20

// parsePrice reads a decimal, and returns it without an exponent and needless
// zeros, still within the limits of [isPrice]. It is never a float, so that nothing
// is lost.
func parsePrice(text string) (price json.Number, value *big.Rat, ok bool) {
	if !isPrice(text) {
		return "", nil, false
	}
	value, ok = new(big.Rat).SetString(text)
	if !ok {
		return "", nil, false
	}
	// A decimal always has an exact form.
	places, _ := value.FloatPrec()
	price = json.Number(value.FloatString(places))
	return price, value, isPrice(price.String())
}

// isPrice reports whether text is a decimal such as 1, -1.5 or 2.e-3, with at
// most maxPriceDigits on either side of the point and an exponent that is no
// larger.
func isPrice(text string) bool {
	const digits = "0123456789"
	number, exponent, scaled := text, "", false
	if n := strings.IndexAny(text, "eE"); n >= 0 {
		number, exponent, scaled = text[:n], text[n+1:], true
	}
	if scaled {
		n, err := strconv.Atoi(exponent)
		if err != nil || len(strings.TrimLeft(exponent, "+-")) > 2 || max(n, -n) > maxPriceDigits {
			return false
		}
	}
	if number != "" && (number[0] == '+' || number[0] == '-') {
		number = number[1:]
	}
	whole, fraction, _ := strings.Cut(number, ".")
	return whole != "" && strings.Trim(whole, digits) == "" && strings.Trim(fraction, digits) == "" &&
		len(whole) <= maxPriceDigits && len(fraction) <= maxPriceDigits
}

// minPrice is the least ask price.
func minPrice() *big.Rat { return big.NewRat(1, 1000) }
