// Package template reads template.yaml, the only list of functions, routes,
// tables, indexes, environment variables and permissions, for the local gateway
// and for tests.
//
// It understands the part of AWS SAM and of API Gateway's extensions to Swagger
// that the template uses. Anything else that affects requests, tables or
// permissions is an error that names its place: a template that the local
// gateway reads differently from AWS is worse than one that it refuses. Alarms
// and the like have no such effect. Conditions are decided by the values of the
// parameters, see [With]. Some errors are ones that AWS reports only during a
// deployment, and the SAM CLI never, such as an unquoted header value in a
// gateway response.
package template
