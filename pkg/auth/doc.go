// Package auth knows who calls: keys and their secrets, the Authorization
// schemes that carry them, and permissions.
//
// A key has a name, an owner, permissions and a secret. The secret is 256
// random bits behind a fixed prefix; only its SHA-256 is stored, and the
// stored credential is found by that hash, so that an authentication is one
// read whatever the scheme and whatever is wrong with the credentials. A
// plain hash is enough, since nobody can guess 256 random bits.
package auth
