package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// MaxBodyBytes is the size of the largest body that [ReadObject] takes.
const MaxBodyBytes = 1 << 20

// ReadObject reads the body of r, which must be one JSON object of Unicode text of
// at most [MaxBodyBytes], whose members are within [MaxDepth]. It returns the body
// as it came, less a byte order mark, and its members. A Content-Type is optional.
// What starts like an object is read as one whatever its type is; anything else
// must be of a type of JSON. Errors are a [RequestError] of status 400 or 413.
func ReadObject(r *http.Request) ([]byte, map[string]json.RawMessage, error) {
	body, err := readBody(r)
	if err == nil {
		err = checkContentType(r.Header, body)
	}
	if err != nil {
		return nil, nil, err
	}
	members, err := parseObject(body)
	return body, members, err
}

// parseObject decodes one JSON object.
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, badRequest("The body is empty; a JSON object is expected.")
	}
	if err := checkDepth(body); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, badRequest(describe(err))
	}
	if members == nil {
		return nil, badRequest("The body is null; a JSON object is expected.")
	}
	return members, checkUnicode(body, members)
}

// checkContentType refuses a declared content type that is not that of the body.
// The default of curl is the type of forms, and that of other clients plain text in
// ISO 8859-1, which matters only beyond ASCII.
func checkContentType(h http.Header, body []byte) error {
	declared := h.Get("Content-Type")
	if declared == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(declared)
	if !startsObject(body) && (err != nil || !isJSON(media)) {
		return badRequest("The Content-Type must be application/json.")
	}
	beyondASCII := bytes.ContainsFunc(body, func(r rune) bool { return r > unicode.MaxASCII })
	if charset, ok := params["charset"]; ok && beyondASCII && !strings.EqualFold(charset, "utf-8") {
		return badRequest("The charset of the Content-Type must be utf-8.")
	}
	return nil
}

// startsObject reports whether the body starts like a JSON object.
func startsObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// isJSON reports whether a media type is one of JSON.
func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// readBody reads the body within its limit, without a byte order mark.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
	if err != nil {
		return nil, badRequest("The body could not be read.")
	}
	if len(body) > MaxBodyBytes {
		return nil, &RequestError{
			Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("The body is over %d bytes.", MaxBodyBytes),
		}
	}
	// How gzip starts, and neither JSON nor a form.
	if bytes.HasPrefix(body, []byte("\x1f")) {
		return nil, badRequest("The body is compressed: API Gateway does not decompress small bodies. Send it as it is.")
	}
	return bytes.TrimPrefix(body, []byte("\uFEFF")), nil
}

// describe words an error of json.Unmarshal into an object for the client.
func describe(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		// Its text is about JSON, such as "invalid character '}' after top-level
		// value", never about this program.
		return fmt.Sprintf("The body is not one valid JSON object: %s at byte %d.", syntax, syntax.Offset)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("The body is a JSON %s; a JSON object is expected.", kind.Value)
	}
	return "The body is not one valid JSON object."
}

// badRequest returns a [RequestError] of status 400.
func badRequest(detail string) error {
	return &RequestError{Status: http.StatusBadRequest, Detail: detail}
}
