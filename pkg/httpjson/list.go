package httpjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// MaxListBytes is the size of the largest list that is answered at once,
// measured as it counts in the answer of a Lambda, which holds the body as a
// JSON string and is limited to 6 MB.
const MaxListBytes = 5 << 20

// Query is a question that a list answers, with entries of type E.
type Query[Q, E any] interface {
	// Cursor returns an opaque, URL-safe text with which Resume continues after
	// last.
	Cursor(last E) string
	// Resume returns the query for what comes after the entry that the cursor
	// was made of, or an error that is [instance.ErrCursor].
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
// after limit entries; 0 means all. Where the client gave a limit and there is
// more, a Link header leads to the next page; such a page may hold fewer
// entries than the limit, so that it fits into [MaxListBytes]. Without a limit
// a list that does not fit is a [RequestError] of status 400.
func (l List[Q, E]) Answer(r *http.Request, read func(q Q, limit int) iter.Seq2[E, error]) (Answer, error) {
	q := l.Query
	if l.Paging.Cursor != "" {
		var err error
		if q, err = q.Resume(l.Paging.Cursor); err != nil {
			return Answer{}, err
		}
	}
	limit := 0
	if l.Paging.Limit > 0 {
		// One more shows whether there is a next page.
		limit = l.Paging.Limit + 1
	}
	page := newPage()
	var last E
	for e, err := range read(q, limit) {
		if err != nil {
			return Answer{}, fmt.Errorf("read list: %w", err)
		}
		if page.count > 0 && page.count == l.Paging.Limit {
			page.more = true
			break
		}
		entry, err := l.Encode(e)
		if err != nil {
			return Answer{}, err
		}
		fits, err := page.add(entry)
		if err != nil {
			return Answer{}, err
		}
		if !fits {
			if l.Paging.Limit == 0 {
				return Answer{}, badRequest(fmt.Sprintf(
					"The list is too large for one answer: use the parameter limit (1 to %d) to get it in pages.", MaxLimit))
			}
			page.more = true
			break
		}
		last = e
	}
	answer := Answer{Status: http.StatusOK, ContentType: "application/json", Body: page.array()}
	if page.more {
		answer.Header = http.Header{"Link": {"<" + l.next(r, q.Cursor(last)) + `>; rel="next"`}}
	}
	return answer, nil
}

// next returns the path and query of the next page.
func (l List[Q, E]) next(r *http.Request, cursor string) string {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.Itoa(l.Paging.Limit)}}
	for name, value := range l.Parameters {
		query.Set(name, value)
	}
	return PublicPath(r) + "?" + query.Encode()
}

// page is a list in the making.
type page struct {
	body    bytes.Buffer
	encoder *json.Encoder
	// size is the size of the body in the answer of a Lambda.
	size, count int
	more        bool
}

// newPage returns an empty page.
func newPage() *page {
	p := &page{size: len(`[]`)}
	p.body.WriteByte('[')
	p.encoder = newEncoder(&p.body)
	return p
}

// add appends an entry, or returns false if the page has no room for it. The
// first entry always fits: an instance or a history record is smaller than a
// page.
func (p *page) add(entry any) (fits bool, err error) {
	start := p.body.Len()
	if p.count > 0 {
		p.body.WriteByte(',')
	}
	if err := p.encoder.Encode(entry); err != nil {
		return false, fmt.Errorf("encode entry: %w", err)
	}
	p.body.Truncate(p.body.Len() - len("\n"))
	size := p.size + escapedLen(p.body.Bytes()[start:])
	if size > MaxListBytes && p.count > 0 {
		p.body.Truncate(start)
		return false, nil
	}
	p.size = size
	p.count++
	return true, nil
}

// array returns the page as a JSON array.
func (p *page) array() []byte {
	p.body.WriteByte(']')
	return p.body.Bytes()
}

// escapedLen returns how many bytes JSON text takes within a JSON string.
// JSON text holds no control characters to escape.
func escapedLen(b []byte) int {
	return len(b) + bytes.Count(b, []byte(`"`)) + bytes.Count(b, []byte(`\`))
}
