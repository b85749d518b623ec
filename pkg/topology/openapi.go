package topology

import _ "embed" // for the document

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the description of this API in OpenAPI 3.1, as YAML.
func OpenAPI() string { return openAPI }
