package httpjson

import (
	"strconv"
	"strings"
)

// prefersGzip reports whether a client with these Accept-Encoding headers
// would rather have gzip than no compression (RFC 9110, 12.5.3).
func prefersGzip(accept []string) bool {
	qualities := map[string]float64{}
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, parameter, given := strings.Cut(item, ";")
		quality := 1.0
		if given {
			name, value, _ := strings.Cut(parameter, "=")
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q >= 0 && q <= 1) {
				// What cannot be read is not asked for.
				q = 0
			}
			quality = q
		}
		qualities[strings.ToLower(strings.TrimSpace(coding))] = quality
	}
	compressed, ok := qualities["gzip"]
	if !ok {
		compressed = qualities["*"]
	}
	// Identity is the last choice unless it is listed itself.
	return compressed > qualities["identity"]
}
