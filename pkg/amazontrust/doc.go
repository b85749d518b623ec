// Package amazontrust connects to AWS over TLS without the time that it takes
// to read every root certificate of the system: it trusts the roots of Amazon
// Trust Services, which sign the certificates of AWS, and asks the system's
// only where those five do not suffice, such as behind a proxy that reads
// along with its own certificate. A server is always verified.
package amazontrust
