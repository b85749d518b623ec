// Package execution speaks the Instances API of the PIXEL Operational Tools:
// /instances/create and its siblings, with an API key. Its sources are the
// first description of that API, and the one that its server published later
// (version 0.6.0); a client generated from the latter works unmodified. A
// deployment serves it at /instances, in place of /otpixel/api/instances.
//
// # Where the sources differ or leave a choice
//
//   - The first description says that a create answers no content, the later
//     one shows the instance: the instance is answered, since a client of the
//     former does not look. All fourteen fields are there, nulls included.
//   - "Instance already uploaded" and "Instance already exists" are the same
//     400, whose message has both wordings.
//   - Not found is 400, as documented, and has the documented message.
//   - input is an object with a string inside, a list of items, or a string,
//     by source: any JSON but null of at most 100 levels is accepted, and given
//     back as it came, white space between its parts aside. So are forceinput,
//     output and logging, which may be null.
//   - The later description declares the header Authorization itself to be the
//     key: the secret is accepted there alone, and after ApiKey.
//   - An id is part of a path, so . and .. are refused. Texts are one line,
//     except the description.
//   - user and input are required. Where forceinput is given, as in the later
//     server's own requests, it stands for input, and user may be left out:
//     then the owner of the key is the user, and an update keeps the user that
//     there is.
//   - A create sets creation, otStatus, start and dockerId itself and ignores
//     what is sent for them. An update ignores creation, and keeps the other
//     three where they are not sent, or null.
//   - otStatus "deleted" is a status of the container that an engine runs. It
//     deletes nothing here.
//   - The filters idRef and user ignore case, as all searches of this registry
//     do; status is compared as it is.
//
// Scheduled instances, models and KPIs of that server are not part of this
// product.
//
// # Cost
//
// The instances lie in 16 partitions by a hash of their ids, and lists are in
// the order of partition and id. Every key with the permission sees all of
// them. A get reads one item. A list reads:
//
//   - without a filter: what it lists, in at least 16 queries;
//   - with filters: the entries of an index for the first of idRef, user and
//     status that is given, and of the instances those that match all.
//
// With limit, it stops as soon as the page is full. A list by a filter may
// miss what was written within about the last second, since an index follows
// with a delay; it never shows what does not match.
package execution
