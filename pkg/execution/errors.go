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

// failures is how this dialect answers errors.
func failures() httpjson.Errors {
	return httpjson.Errors{
		Challenge: "ApiKey",
		Describe: func(_ *http.Request, err error) (int, any) {
			status, text := describe(err)
			return status, message{text}
		},
	}
}

// describe returns the status and the message of err. It is the only place of
// this dialect that knows which error has which status; an error that it does
// not know is a fault of the server, and stays hidden from the client.
func describe(err error) (status int, text string) {
	var request *httpjson.RequestError
	var forbidden *auth.ForbiddenError
	switch {
	case errors.As(err, &request):
		return request.Status, request.Error()
	case errors.Is(err, auth.ErrUnauthenticated):
		return http.StatusUnauthorized, "A valid API key is required: send the header Authorization: ApiKey SECRET"
	case errors.As(err, &forbidden):
		return http.StatusForbidden, "The API key lacks the permission " + forbidden.Permission
	case errors.Is(err, instance.ErrNotFound):
		return http.StatusBadRequest, "Instance not found"
	case errors.Is(err, instance.ErrExists):
		return http.StatusBadRequest, "Instance already exists: Instance already uploaded with this id"
	case errors.Is(err, instance.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The instance takes more than %d bytes", instance.MaxStoredBytes)
	case errors.Is(err, instance.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "The request could not be finished in time. Please try again."
	default:
		return http.StatusInternalServerError, "Internal error"
	}
}
