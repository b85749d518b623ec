// Package instance is the domain: what an instance is, how it is asked for,
// what a change of it records, and how a repository fails.
//
// It knows no dialect, no database and no HTTP, and imports the standard
// library only. What only one dialect knows about an instance travels in
// [Instance.Attributes], a JSON object that no other package decodes.
package instance
