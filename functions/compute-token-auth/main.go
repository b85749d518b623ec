// Command compute-token-auth is the function that answers
// POST /api/v1/api-token-auth: the token for the name and the
// secret of a key.
package main

import "instances/pkg/app"

func main() { app.Start(app.ComputeTokenAuth) }
