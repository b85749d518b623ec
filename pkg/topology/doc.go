// Package topology speaks the Instance API of FlexDeploy: the services GET,
// POST, PUT and PATCH of /flexdeploy/rest/v1/topology/instance, with Basic
// authentication. Its source is the API's published description, whose
// examples are the golden files in testdata.
//
// # Where the description leaves a choice
//
//   - instanceId is described as a String and shown as a number in every
//     example: answers hold a JSON number. In a body it is ignored, whatever
//     it holds, as the description says.
//   - The table of PATCH names the list of plugin operations "plugins", its
//     example "pluginOperations": PATCH accepts both, and appends what is in
//     either. Elsewhere only pluginOperations is shown, and accepted.
//   - A plugin operation is described as {pluginId, operation} and shown as
//     {propertySetName, ownerId}: both are accepted and returned as given,
//     with the fields in that order. Other fields in it are ignored.
//   - The description does not say what an absent text looks like: every
//     answer holds all eleven fields, and an absent text is null. An empty
//     text counts as absent. So an empty description, groupCode or
//     subGroupCode in a PATCH clears it, since null there means unchanged.
//   - Lists are described as associations: an entry that is repeated is kept
//     once, where it was first.
//   - The status codes that the description lists for bad input are 400
//     alone, so a wrong content type and a code that is taken are 400. 412,
//     413, 422 and 503 are for what the description does not know: If-Match,
//     large bodies, Idempotency-Key, and a database that is busy.
//   - The names of query parameters are "not case sensitive" like their
//     values, as its text can be read both ways.
//   - An Id that is a positive integer but too large to exist is not found.
//
// # Additions
//
// limit and cursor with Link on searches; ETag, If-Match and If-None-Match;
// Idempotency-Key on POST; errors as problem details (RFC 9457).
//
// A search by groupCode or instanceName may miss an instance that was created
// or changed within about the last second, since an index of DynamoDB follows
// its table with a delay; it never returns one that does not match. A get, a
// search by instanceCode and the whole list are always up to date.
package topology
