package app_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/lambdahttp"
	"instances/pkg/repository/bolt"
	"instances/pkg/topology"
)

// manyListed is the number of instances of each kind in [BenchmarkList].
const manyListed = 100_000

// BenchmarkList reads 100,000 instances of each kind through their functions: as
// one list, compressed, and in pages. It checks their number and order, and
// reports the size of the answers, the longest time to a first byte, and the
// most memory that objects took, garbage included.
func BenchmarkList(b *testing.B) {
	for name, kind := range map[string]struct {
		instance func(n int) instance.Instance
		// position returns a text that ascends in the list.
		position func(entry json.RawMessage) (string, error)
	}{
		"topology-search": {topologyInstance, func(entry json.RawMessage) (string, error) {
			var i struct{ InstanceID int }
			err := json.Unmarshal(entry, &i)
			return fmt.Sprintf("%09d", i.InstanceID), err
		}},
		"compute-list": {computeInstance, func(entry json.RawMessage) (string, error) {
			var i struct{ Name string }
			err := json.Unmarshal(entry, &i)
			return i.Name, err
		}},
		"execution-list": {executionInstance, func(entry json.RawMessage) (string, error) {
			var i struct{ ID string }
			if err := json.Unmarshal(entry, &i); err != nil {
				return "", err
			}
			key, err := execution.Key(i.ID)
			return key.Collection + " " + i.ID, err
		}},
	} {
		b.Run(name, func(b *testing.B) {
			l := newLister(b, name, kind.instance)
			for form, read := range map[string]func(io.Writer){
				"whole": func(w io.Writer) { l.read(b, "", "", w) },
				"gzip":  func(w io.Writer) { l.read(b, "", "gzip", w) },
				"pages": func(w io.Writer) {
					for query := "limit=1000"; query != ""; {
						link := l.read(b, query, "", w).Get("Link")
						_, query, _ = strings.Cut(link, "?")
						query, _, _ = strings.Cut(query, ">")
					}
				},
			} {
				b.Run(form, func(b *testing.B) {
					l.first, l.heap = 0, 0
					for b.Loop() {
						l.size = 0
						read(io.Discard)
					}
					b.ReportMetric(float64(l.size)/1e6, "MB")
					b.ReportMetric(float64(l.first.Microseconds())/1e3, "ms-to-first-byte")
					b.ReportMetric(float64(l.heap)/1e6, "heap-MB")
					var all bytes.Buffer
					read(&all)
					checkOrder(b, &all, form == "gzip", kind.position)
				})
			}
		})
	}
}

// lister reads a list, and measures that.
type lister struct {
	function      lambdahttp.Streamer
	authorization string
	// size is that of the answers so far, first the longest time to a first
	// byte, and heap the most memory.
	size  int
	first time.Duration
	heap  uint64
}

// newLister returns one for a function, on a repository with the instances.
func newLister(b *testing.B, function string, made func(n int) instance.Instance) *lister {
	b.Helper()
	r, err := bolt.Open(filepath.Join(b.TempDir(), "instances.db"), bolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Close() })
	for n := range manyListed {
		if err := r.Create(b.Context(), made(n), instance.Change{}, nil); err != nil {
			b.Fatal(err)
		}
	}
	secret, err := auth.Mint(b.Context(), r, auth.NewKey{Name: "bench", Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	d := app.Dependencies{Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now}
	return &lister{function: app.Functions()[function](d).(lambdahttp.Streamer), authorization: "Token " + secret}
}

// read writes the body of the answer to a query, and returns its headers.
func (l *lister) read(b *testing.B, query, accept string, w io.Writer) http.Header {
	b.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		b.Fatal(err)
	}
	event, err := json.Marshal(events.APIGatewayProxyRequest{
		HTTPMethod: http.MethodGet, Path: "/list", MultiValueQueryStringParameters: values,
		Headers: map[string]string{"Authorization": l.authorization, "Accept-Encoding": accept},
	})
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	r, err := l.function.Stream(context.Background(), event)
	if err != nil {
		b.Fatal(err)
	}
	l.first = max(l.first, time.Since(started))
	answer := r.(*events.APIGatewayProxyStreamingResponse)
	if answer.StatusCode != http.StatusOK {
		b.Fatalf("status %d", answer.StatusCode)
	}
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	part := make([]byte, 64<<10)
	for err == nil {
		var n int
		n, err = answer.Body.Read(part)
		l.size += n
		if _, err := w.Write(part[:n]); err != nil {
			b.Fatal(err)
		}
		metrics.Read(heap)
		l.heap = max(l.heap, heap[0].Value.Uint64())
	}
	if !errors.Is(err, io.EOF) || r.Close() != nil {
		b.Fatal(err)
	}
	return answer.MultiValueHeaders
}

// checkOrder fails unless the arrays in all have all instances in their order.
func checkOrder(b *testing.B, all io.Reader, compressed bool, position func(json.RawMessage) (string, error)) {
	b.Helper()
	if compressed {
		var err error
		if all, err = gzip.NewReader(all); err != nil {
			b.Fatal(err)
		}
	}
	var positions []string
	for d := json.NewDecoder(all); d.More(); {
		var entries []json.RawMessage
		if err := d.Decode(&entries); err != nil {
			b.Fatal(err)
		}
		for _, entry := range entries {
			p, err := position(entry)
			if err != nil {
				b.Fatal(err)
			}
			positions = append(positions, p)
		}
	}
	ascends := slices.IsSortedFunc(positions, func(x, y string) int { return cmp.Or(strings.Compare(x, y), -1) })
	if len(positions) != manyListed || !ascends {
		b.Errorf("%d instances, their order is right: %v", len(positions), ascends)
	}
}

// topologyInstance is the instance with the number n+1.
func topologyInstance(n int) instance.Instance {
	key, _ := topology.Key(strconv.Itoa(n + 1))
	return listedInstance(key, n, `{"description":"An instance that is listed","environments":[11001],"isDeploymentTarget":false}`)
}

// computeInstance is the n-th instance from the end.
func computeInstance(n int) instance.Instance {
	at := time.UnixMilli(1_750_000_000_000 - int64(n))
	i := listedInstance(instance.Key{Kind: compute.Kind(), Collection: "bench", ID: instance.NewTimeID(at)}, n,
		`{"type":"cpu","askPrice":1.25,"maxNumParallelJobs":1}`)
	i.CreatedAt, i.Code = at, ""
	return i
}

// executionInstance is the instance of a hashed collection.
func executionInstance(n int) instance.Instance {
	key, _ := execution.Key(fmt.Sprintf("run-%06d", n))
	i := listedInstance(key, n, `{"mode":"batch","input":{"series":[1,2,3]},"output":{"state":"done"}}`)
	i.Code = ""
	return i
}

// listedInstance is an instance like most.
func listedInstance(key instance.Key, n int, attributes string) instance.Instance {
	at := time.UnixMilli(1_750_000_000_000)
	return instance.Instance{
		Kind: key.Kind, Collection: key.Collection, ID: key.ID,
		Code: fmt.Sprintf("CODE%06d", n), Group: fmt.Sprintf("group %d", n%50), SubGroup: fmt.Sprintf("user %d", n%20),
		Name: fmt.Sprintf("instance %06d", n), Owner: "bench", Status: "created", Active: true,
		Version: 1, Incarnation: "0123456789abcdef", CreatedAt: at, UpdatedAt: at, Attributes: json.RawMessage(attributes),
	}
}
