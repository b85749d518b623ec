package compute

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
		Challenge: "Token",
		Describe:  func(_ *http.Request, err error) (int, any) { return describe(err) },
	}
}

// detail is the body of an error that is not about fields.
type detail struct {
	Detail string `json:"detail"`
}

// describe returns the status and the body of err: a detail, or the messages
// about each field. It is the only place of this dialect that knows which error
// has which status; an error that it does not know is a fault of the server, and
// stays hidden from the client.
func describe(err error) (status int, body any) {
	var request *httpjson.RequestError
	var forbidden *auth.ForbiddenError
	switch {
	case errors.As(err, &request) && len(request.Fields) > 0:
		return request.Status, fieldMessages(request.Fields)
	case errors.As(err, &request):
		return request.Status, detail{request.Detail}
	case errors.Is(err, auth.ErrNoCredentials):
		return http.StatusUnauthorized, detail{
			"Authentication credentials were not provided. Send the header Authorization: Token SECRET, with the secret of a key.",
		}
	case errors.Is(err, auth.ErrUnauthenticated):
		return http.StatusUnauthorized, detail{"Invalid token."}
	case errors.As(err, &forbidden):
		return http.StatusForbidden, detail{
			"You do not have permission to perform this action: the key lacks " + forbidden.Permission + ".",
		}
	case errors.Is(err, instance.ErrNotFound):
		return http.StatusNotFound, detail{"Not found."}
	case errors.Is(err, instance.ErrTooLarge):
		return http.StatusBadRequest, detail{fmt.Sprintf("The instance would take more than %d bytes.", instance.MaxStoredBytes)}
	case errors.Is(err, instance.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, detail{"The request could not be finished in time. Please try again."}
	default:
		return http.StatusInternalServerError, detail{"A server error occurred."}
	}
}

// fieldMessages groups messages by their fields.
func fieldMessages(errs []httpjson.FieldError) map[string][]string {
	messages := make(map[string][]string, len(errs))
	for _, e := range errs {
		messages[e.Field] = append(messages[e.Field], e.Message)
	}
	return messages
}
