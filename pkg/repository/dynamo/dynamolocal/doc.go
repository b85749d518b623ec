// Package dynamolocal starts DynamoDB Local, AWS's own engine as a Java
// program, in memory and on a free port. It is for tests and for trying
// things out on one machine.
//
// The version is pinned in .ci/dynamodb-local/pom.xml; the first start
// downloads it with Maven to .build/dynamodb-local.
package dynamolocal
