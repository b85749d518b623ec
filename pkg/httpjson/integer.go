package httpjson

import (
	"strconv"
	"strings"
)

// maxExponent bounds the exponent of a number that stands for an integer.
const maxExponent = 1000

// ParseInteger returns the 64-bit integer that a decimal number is exactly, however
// it is written: 1000, 1000.0 or 1e3.
func ParseInteger(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	number := strings.TrimLeft(text, "+-")
	sign := text[:len(text)-len(number)]
	exponent := 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(number[i+1:]); err != nil || max(exponent, -exponent) > maxExponent {
			return 0, false
		}
		number = number[:i]
	}
	whole, fraction, _ := strings.Cut(number, ".")
	digits, point := whole+fraction, len(whole)+exponent
	if add := point - len(digits); add > 0 {
		digits += strings.Repeat("0", add)
	}
	if add := -point; add >= 0 {
		digits, point = strings.Repeat("0", add+1)+digits, 1
	}
	if whole == "" || strings.Trim(digits[point:], "0") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits[:point], 10, 64)
	return n, err == nil
}
