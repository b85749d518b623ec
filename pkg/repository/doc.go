// Package repository holds what the repositories share, so that they cannot
// differ in it: what a query matches, how an update is retried, and the meter
// of what a request consumed.
//
// The repositories themselves are the packages below this one. Their
// behaviour is defined once, by package repositorytest.
package repository
