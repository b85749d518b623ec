// Command reference is the function that answers GET /docs, the page on which
// people read and try the APIs, GET /docs/{file}, what that page is made of, and
// GET /openapi/{document}: the description of an API.
package main

import (
	"instances/pkg/app/function"
	"instances/pkg/reference"
)

func main() { function.Serve(reference.Handler()) }
