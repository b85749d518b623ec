// Package compute speaks the Instances API of sharedcloud: the endpoints below
// /api/v1/instances/, with token authentication. Its sources are the API's
// published description, whose examples are the golden files in testdata, and
// the requests of the vendor's own client, which was written against the
// running server.
//
// # Two profiles
//
// The server differed from its description, and clients of both exist. Which
// answers a request gets is a property of its key (see [ClientProfile]), so
// that one deployment serves both:
//
//   - document, the default: create answers 200 and delete 200 with {}. Lists
//     and gets show type as "cpu" or "gpu"; create, PUT and PATCH show it as 1
//     or 2, as the examples of the description do.
//   - client: create answers 201, delete 204 without a body, and type is 1 or
//     2 everywhere.
//
// Both take bodies as JSON and as forms, and type in each form.
//
// # Where the sources leave a choice
//
//   - gpu of an instance without one is "n/a" in lists and gets, and null in
//     the answers to writes, as in the examples. Both are accepted for "none".
//   - max_num_parallel_jobs is described as a string and shown as a number:
//     both are accepted, the number is answered. The same holds for ask_price,
//     which is kept as the decimal that it is and answered without trailing
//     zeros.
//   - Messages about fields are those of Django REST framework, which the
//     server was made with. Where the rest of a message is known only in part,
//     a neutral beginning completes it.
//   - PUT resets what is not given to its default. Only PATCH keeps, clears
//     and compares with what is stored.
//   - Jobs are not part of this product: num_running_jobs and
//     num_assigned_jobs are 0 unless an instance was imported with others, and
//     get-jobs answers an empty list. Polling it is how an instance shows that
//     it is alive; it is written at most once a minute. HEAD is answered
//     wherever GET is except there, since it must have no effect.
//   - A started instance that has been silent for a time (see [Settings]) has
//     status 1, which is computed from what is stored when it is read.
//   - The examples show the same time in updated_at and last_connection: it is
//     the later of the last write and the last sign of life.
//   - An optional field may be null, which counts as not given; a gpu may be
//     written without hyphens.
//   - gpu_name is the name that the catalogue had when the gpu was set.
//   - 401 has the documented words where a token or key is wrong. A request that
//     has no credentials in a known form is told which header to send, beginning
//     with the words of Django REST framework. 403, which no source has, names
//     the permission that the key lacks.
//   - An answer carries current_server_time, so there is no 304. The ETag of
//     an instance is for If-Match.
//
// # Ownership and cost
//
// An instance belongs to the owner of the key that created it; for every other
// owner it does not exist, as the owner is part of its key. A get is one read
// of it, and a list reads what it lists, newest first, always up to date.
package compute
