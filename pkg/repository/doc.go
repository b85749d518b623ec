// Package repository holds what the repositories share, so that they cannot
// differ in it: what a query matches, and how an operation is attempted again
// when another write comes first.
//
// The repositories themselves are the packages below this one. Their
// behaviour is defined once, by package repositorytest.
package repository
