// Package auth knows who calls: keys and their secrets, the Authorization
// schemes that carry them, and permissions.
//
// A key has a name, an owner, permissions and a secret. The secret is 256
// random bits behind a fixed prefix, or one of at least 24 characters that a
// client had before; only its SHA-256 is stored, and the stored credential is
// found by that hash, so that an authentication is one read whatever the scheme
// and whatever is wrong with the credentials. A plain hash is enough, since
// nobody can guess 256 random bits.
//
// A secret of 12 to 23 characters is a password, which somebody may guess. It
// works with Basic alone: the key is found by its name, with one read too, and
// holds a salted scrypt hash. A process computes that once for a name and a
// password, right or wrong, whether there is such a key or not. It tries only so
// many wrong ones in a time.
package auth
