package topology

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// problem is an error as it is answered: problem details of RFC 9457.
type problem struct {
	Type   string                `json:"type"`
	Title  string                `json:"title"`
	Status int                   `json:"status"`
	Detail string                `json:"detail"`
	Errors []httpjson.FieldError `json:"errors,omitempty"`
}

// failures is how this dialect answers errors.
func failures() httpjson.Errors {
	return httpjson.Errors{
		ContentType: "application/problem+json",
		Challenge:   `Basic realm="instances"`,
		Describe: func(r *http.Request, err error) (int, any) {
			p := describe(r, err)
			p.Type, p.Title = "about:blank", http.StatusText(p.Status)
			return p.Status, p
		},
	}
}

// describe returns the status, detail and field errors of err. It is the only
// place of this dialect that knows which error has which status; an error that
// it does not know is a fault of the server, and stays hidden from the client.
func describe(r *http.Request, err error) problem {
	var request *httpjson.RequestError
	var forbidden *auth.ForbiddenError
	switch {
	case errors.As(err, &request):
		return problem{Status: request.Status, Detail: request.Detail, Errors: request.Fields}
	case errors.Is(err, auth.ErrUnauthenticated):
		return problem{
			Status: http.StatusUnauthorized,
			Detail: "Valid credentials are required: send the header Authorization: Basic, and NAME:SECRET of a key in Base64.",
		}
	case errors.As(err, &forbidden):
		return problem{Status: http.StatusForbidden, Detail: "The key lacks the permission " + forbidden.Permission + "."}
	case errors.Is(err, instance.ErrNotFound):
		return problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("Instance %s not found", r.PathValue("Id"))}
	case errors.Is(err, instance.ErrCodeTaken):
		return fieldProblem("instanceCode", "is used by another instance; codes are unique, ignoring case")
	case errors.Is(err, instance.ErrTooLarge):
		return problem{
			Status: http.StatusBadRequest,
			Detail: fmt.Sprintf("The instance would take more than the %d bytes that one may have.", instance.MaxStoredBytes),
		}
	case errors.Is(err, instance.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return problem{
			Status: http.StatusServiceUnavailable,
			Detail: "The request could not be finished in time. Please try again.",
		}
	default:
		return problem{Status: http.StatusInternalServerError, Detail: "Unexpected internal server error"}
	}
}

// fieldProblem returns a bad request for one field.
func fieldProblem(field, message string) problem {
	return problem{
		Status: http.StatusBadRequest,
		Detail: "1 field is not valid.",
		Errors: []httpjson.FieldError{{Field: field, Message: message}},
	}
}

// badID returns the error for an Id that is not a positive integer.
func badID() error {
	return httpjson.BadField("Id", "must be a positive integer")
}
