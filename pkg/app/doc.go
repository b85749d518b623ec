// Package app puts the functions together: which handler each one is, and
// what it is made of in Lambda. Only mains use it, and the local gateway,
// which gives the functions another repository.
package app
