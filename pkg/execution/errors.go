package execution

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// message is the body of every answer that is no instance.
type message struct {
	Message string `json:"message"`
}

// fail answers an error. It is the one place of this dialect that knows which
// error has which status. What it does not know is a fault of the server: it
// is logged, and the client learns nothing of it.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := describe(err)
	httpjson.Refusal{Status: status, Challenge: "ApiKey", Body: message{text}}.Write(w, r, err)
}

// describe returns the status and the message of err.
func describe(err error) (status int, text string) {
	var request *httpjson.RequestError
	switch {
	case errors.As(err, &request):
		return request.Status, request.Error()
	case errors.Is(err, auth.ErrUnauthenticated):
		return http.StatusUnauthorized, "A valid API key is required"
	case errors.Is(err, auth.ErrForbidden):
		return http.StatusForbidden, "The API key lacks the permission for this request"
	case errors.Is(err, instance.ErrNotFound):
		return http.StatusBadRequest, "Instance not found"
	case errors.Is(err, instance.ErrExists):
		return http.StatusBadRequest, "Instance already exists: Instance already uploaded with this id"
	case errors.Is(err, instance.ErrCursor):
		return http.StatusBadRequest, "cursor is not valid for this list; leave it out to start again"
	case errors.Is(err, instance.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The instance takes more than %d bytes", instance.MaxStoredBytes)
	case errors.Is(err, instance.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "The request could not be finished in time. Please try again."
	default:
		return http.StatusInternalServerError, "Internal error"
	}
}
