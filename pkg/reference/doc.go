// Package reference serves what describes the APIs: their OpenAPI documents as
// JSON, and a page, Swagger UI, on which people read them and try them out.
//
// All of it is embedded, and there is no secret in it, so it asks for no
// credentials; what is tried out on the page has those that the visitor enters.
// Every address in it is relative, which is why it works under the name of a
// stage and under a base path of a custom domain.
package reference
