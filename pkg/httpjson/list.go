package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"instances/pkg/instance"
)

// maxAhead is how much of a page is kept, at least, while the rest of it is
// read to find the link to the next one.
const maxAhead = 1 << 20

// Query is a question that a list answers, with entries of type E.
type Query[Q, E any] interface {
	// Cursor returns an opaque, URL-safe text with which Resume continues after
	// last.
	Cursor(last E) string
	// Resume returns the query for what comes after the entry that the cursor
	// was made of, or an error that is [instance.ErrCursor] or
	// [instance.ErrForeignCursor].
	Resume(cursor string) (Q, error)
}

// List is a request for a list.
type List[Q Query[Q, E], E any] struct {
	// Query is the query, without a position or a limit.
	Query Q
	// Parameters are the query parameters that it was made from, for the link to
	// the next page.
	Parameters map[string]string
	Paging     Paging
	// Encode returns the JSON form of an entry.
	Encode func(E) (any, error)
}

// Answer returns an answer to r with a bare JSON array of what read yields, which may end
// after limit entries; 0 means all. The array is sent while it is read, in
// constant memory.
//
// Where the client gave a limit, the page is read before the answer begins: it
// holds that many entries, and a Link header leads to the next page, if there
// are more. Of a page larger than about a megabyte, the last part is read again
// while it is sent, without entries that are deleted in between.
func (l List[Q, E]) Answer(r *http.Request, read func(q Q, limit int) iter.Seq2[E, error]) (Answer, error) {
	q := l.Query
	if l.Paging.Cursor != "" {
		var err error
		if q, err = q.Resume(l.Paging.Cursor); err != nil {
			return Answer{}, listError(err)
		}
	}
	if l.Paging.Limit == 0 {
		return NewArray(l.encoded(read(q, 0))), nil
	}
	// One more shows whether there is a next page.
	p, err := l.page(q, read(q, l.Paging.Limit+1))
	if err != nil {
		return Answer{}, err
	}
	answer := NewArray(p.entries(l.encoded(again(q, p, read))))
	if p.next != "" {
		answer.Header = http.Header{"Link": {"<" + l.link(r, p.next) + `>; rel="next"`}}
	}
	return answer, nil
}

// listError returns the error of a list that cannot be read: a [RequestError] where
// the cursor is to blame.
func listError(err error) error {
	bad := newParameters()
	switch {
	case errors.Is(err, instance.ErrForeignCursor):
		bad.Reject("cursor", "belongs to another list or search: keep the other parameters as they were, or leave it out to start again")
	case errors.Is(err, instance.ErrCursor):
		bad.Reject("cursor", "is not one that this list gave: take it from the Link header as it is, or leave it out to start again")
	default:
		return fmt.Errorf("read list: %w", err)
	}
	return bad.Err()
}

// link returns the path and query of the page after a cursor.
func (l List[Q, E]) link(r *http.Request, cursor string) string {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.Itoa(l.Paging.Limit)}}
	for name, value := range l.Parameters {
		query.Set(name, value)
	}
	return PublicPath(r) + "?" + query.Encode()
}

// encoded yields the JSON of the entries, each valid until the next.
func (l List[Q, E]) encoded(entries iter.Seq2[E, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var b bytes.Buffer
		encoder := newEncoder(&b)
		for e, err := range entries {
			if err != nil {
				err = listError(err)
			} else {
				b.Reset()
				err = l.encode(encoder, e)
			}
			if !yield(bytes.TrimSuffix(b.Bytes(), []byte("\n")), err) || err != nil {
				return
			}
		}
	}
}

// encode writes the JSON of an entry, and a line feed.
func (l List[Q, E]) encode(to *json.Encoder, e E) error {
	entry, err := l.Encode(e)
	if err != nil {
		return err
	}
	if err := to.Encode(entry); err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	return nil
}

// page reads a page of entries.
func (l List[Q, E]) page(q Q, entries iter.Seq2[E, error]) (*page, error) {
	p := &page{}
	encoder := newEncoder(&p.kept)
	var last E
	n := 0
	for e, err := range entries {
		if err != nil {
			return nil, listError(err)
		}
		if n == l.Paging.Limit {
			p.next, p.beyond = q.Cursor(last), q.Cursor(e)
			break
		}
		if p.kept.Len() < maxAhead {
			if err := l.encode(encoder, e); err != nil {
				return nil, err
			}
			p.ends = append(p.ends, p.kept.Len())
		} else {
			if p.after == "" {
				p.after = q.Cursor(last)
			}
			p.rest = append(p.rest, q.Cursor(e))
		}
		last = e
		n++
	}
	return p, nil
}

// page is a page of a list before it is sent.
type page struct {
	// kept has the first entries, each with a line feed, which end at ends.
	kept bytes.Buffer
	ends []int
	// rest are the cursors of the entries after these, if any, and after is
	// that of the last one kept.
	rest  []string
	after string
	// next is the cursor of the last entry, and beyond that of the one after it,
	// if there is another page.
	next, beyond string
}

// entries yields the JSON of the entries: those kept, then the rest.
func (p *page) entries(rest iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		start := 0
		for _, end := range p.ends {
			if !yield(p.kept.Bytes()[start:end-1], nil) {
				return
			}
			start = end
		}
		rest(yield)
	}
}

// again reads the rest of p, where q asked for it. The list may have changed: it
// leaves out what was created, and what is deleted is missing.
func again[Q Query[Q, E], E any](q Q, p *page, read func(q Q, limit int) iter.Seq2[E, error]) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		rest, after := p.rest, p.after
		for limit := len(rest); len(rest) > 0; limit = MaxLimit {
			next, err := q.Resume(after)
			if err != nil {
				yield(*new(E), err)
				return
			}
			n := 0
			for e, err := range read(next, limit) {
				if err != nil {
					yield(e, err)
					return
				}
				n++
				if after = q.Cursor(e); after == p.beyond {
					return
				}
				if i := slices.Index(rest, after); i >= 0 {
					rest = rest[i+1:]
					if !yield(e, nil) || len(rest) == 0 {
						return
					}
				}
			}
			if n < limit {
				return
			}
			// It has changed, and there may be more to skip.
		}
	}
}
