// Package template reads template.yaml, the one list of functions, routes,
// tables, indexes, environment and permissions, for the local gateway and for
// tests.
//
// It understands the part of AWS SAM and of API Gateway's extensions to
// Swagger that the template uses. Whatever else has a meaning for a request,
// a table or a permission is an error that names its place, never ignored: a
// template that the local gateway reads differently from AWS is worse than
// one that it refuses. Alarms and the like have no such meaning. Several errors are ones that AWS finds at the
// deployment only, and the SAM CLI not at all, such as an unquoted header
// value of a gateway response.
package template
