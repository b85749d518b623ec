package topology_test

import (
	"context"
	"iter"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// one is a repository that answers at once, so that the benchmarks measure
// the handlers. It holds n equal instances.
type one struct {
	stored instance.Instance
	n      int
}

func (o one) Get(context.Context, instance.Key) (instance.Instance, error) { return o.stored, nil }

func (o one) NextNumber(context.Context, instance.Kind) (int64, error) { return 1, nil }

func (o one) Create(context.Context, instance.Instance, instance.Change, *instance.Idempotency) error {
	return nil
}

func (o one) Search(context.Context, instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		for range o.n {
			if !yield(o.stored, nil) {
				return
			}
		}
	}
}

func (o one) Credential(_ context.Context, hash string) (auth.Credential, error) {
	return auth.Credential{Name: "bench", Owner: "bench", Hash: hash, Allow: []string{auth.AllowAll}}, nil
}

func (one) NamedCredential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, auth.ErrNoCredential
}

// stored returns an instance as the examples of the description have it.
func stored() instance.Instance {
	return instance.Instance{
		Kind: topology.Kind(), Collection: instance.Block(11004), ID: "11004", Code: "GETEXAMPLECODE",
		Group: "GET example group", SubGroup: "GET example sub group", Name: "GET Example Name",
		Version: 1, Incarnation: "0123456789abcdef", Active: true,
		Attributes: []byte(`{"description":"GET example description","environments":[11001],"isDeploymentTarget":false}`),
	}
}

// bench sends the same request again and again.
func bench(b *testing.B, handler httpjson.Handler, method, target, id, body string, status int) {
	b.Helper()
	o := one{}
	secured := topology.Secure(auth.NewAuthenticator(o, time.Now), topology.ReadPermission, handler)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.SetPathValue("Id", id)
		r.Header.Set("Authorization", "Token secret")
		w := httptest.NewRecorder()
		secured.ServeHTTP(w, r)
		if w.Code != status {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	bench(b, topology.GetInstance(one{stored: stored()}), "GET", topology.BasePath+"/11004", "11004", "", 200)
}

func BenchmarkCreate(b *testing.B) {
	body := `{"description":"POST example description","environments":[11001],"workflows":[],"instanceId":1,` +
		`"instanceName":"POST Example Name","isActive":true,"pluginOperations":[],"instanceCode":"POSTEXAMPLECODE"}`
	bench(b, topology.CreateInstance(one{}, one{}, time.Now), "POST", topology.BasePath, "", body, 201)
}

func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			bench(b, topology.SearchInstances(one{stored: stored(), n: n}), "GET", topology.BasePath, "", "", 200)
		})
	}
}
