// Package dynamolocal starts DynamoDB Local, AWS's own engine as a Java
// program, in memory and on a free port of this machine's loopback address, and
// makes tables on it as template.yaml declares them. It is for tests and for
// trying things out on one machine.
//
// The version is pinned in .ci/dynamodb-local/pom.xml. The first start
// downloads it with Maven to .build/dynamodb-local, and compiles there the
// class that starts it, .ci/dynamodb-local/Loopback.java.
package dynamolocal
