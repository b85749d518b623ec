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
//     example "pluginOperations": every body may have both, and what is in
//     either counts.
//   - A plugin operation is described as {pluginId, operation} and shown as
//     {propertySetName, ownerId}: both are accepted and returned as given,
//     with the fields in that order. Other fields in it are ignored.
//   - The description does not say what an absent text looks like: every
//     answer holds all eleven fields, and an absent text is null. An empty
//     text counts as absent. So an empty description, groupCode or
//     subGroupCode in a PATCH clears it, since null there means unchanged.
//   - Text must be Unicode. A name, a code and the texts of a plugin operation
//     are one line, and a code has no zero-width characters, so that two codes
//     that look the same are. What is stored and not sent is not checked.
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
// HEAD wherever GET is; limit and cursor with Link on searches; ETag, If-Match
// and If-None-Match; Idempotency-Key; errors as problem details (RFC 9457).
//
// DELETE /{Id}, which the description lacks, answers 204. The instance is gone
// at once for every request, and its code is free; an operator can restore it
// for some time. A second DELETE is 404. It takes the permission to write, and
// ignores a body.
//
// GET /{Id}/history lists what was done to an instance, newest first, also
// after its delete, to keys that may read. Its choices:
//
//   - A record has at, by, operation, requestId, version and changes.
//   - The changes have the names, the order and the values of the fields of an
//     answer. Fields that no answer shows are left out, so that the history
//     tells no more of an instance than a GET does: the owner, for one, is for
//     those who manage the keys. The name of the key in by may be seen.
//   - old or new is left out where the field was or is absent: an empty list
//     and an empty text count as absent.
//   - A value of more than 1024 bytes of JSON is given by its hash alone, as a
//     string that starts with "sha256:", so that a record stays small.
//   - version is the number at the end of the ETag that the change led to. A
//     delete and a purge keep the version that they found, since there is no
//     later state.
//   - requestId is the X-Request-Id of the answer. A command and the scheduled
//     cleanup have an id of their own, or none, and then it is left out.
//   - A request that changes nothing leaves no record, and no new version.
//   - An instance that an id had before, and what became of it, are part of the
//     same history.
//   - An id that no instance ever had is not found. An instance whose records
//     have all expired has an empty list. A page after the last one is empty
//     too, whatever has happened to the instance since.
//
// A search by groupCode or instanceName may miss an instance that was created
// or changed within about the last second, since an index of DynamoDB follows
// its table with a delay; it never returns one that does not match. A get, a
// search by instanceCode, the whole list and a history are always up to date.
package topology
