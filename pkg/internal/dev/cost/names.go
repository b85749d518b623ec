package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/topology"
)

// nameRows are the rows about what NameSearch=Indexed adds to writes.
const nameRows = "more for name rows (NameSearch=Indexed)"

// nameLengths returns the lengths of the names, in letters, that are measured.
func nameLengths() []int { return []int{10, 20, 45, 100} }

// names measures by how much writes of a topology instance cost more, with name
// rows, by the length of its name. It needs a table of its own.
func (m *measurement) names(ctx context.Context) (rows []row, err error) {
	table := dynamolocal.Table{Endpoint: m.table.Endpoint, Name: m.table.Name + "-names"}
	if err := table.Create(ctx, m.template.Tables[0]); err != nil {
		return nil, err
	}
	defer func() { _ = table.Delete(ctx) }()
	open := func(wrap func(http.RoundTripper) http.RoundTripper) *dynamo.Repository {
		return dynamo.New(dynamo.Config{Client: table.Client(wrap), Table: table.Name, Now: time.Now})
	}
	metered := func(http.RoundTripper) http.RoundTripper { return &m.meter }
	without, err := m.nameWrites(ctx, open(metered))
	if err != nil {
		return nil, err
	}
	_, err = open(nil).Upgrade(ctx, dynamo.UpgradeOptions{
		Kinds: []instance.Kind{topology.Kind()}, Names: dynamo.AddNames,
		// No other process knows the table.
		After:    func(time.Duration) <-chan time.Time { return time.After(0) },
		Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {},
	})
	if err != nil {
		return nil, err
	}
	with, err := m.nameWrites(ctx, open(metered))
	for n := range with {
		with[n].usage = with[n].minus(without[n].usage)
		with[n].busy = 0
	}
	return with, err
}

// nameWrites measures writes of instances with names of each length.
func (m *measurement) nameWrites(ctx context.Context, r *dynamo.Repository) ([]row, error) {
	change := instance.Change{By: keyName, Owner: keyName, At: time.Now(), Operation: "write"}
	var rows []row
	for _, length := range nameLengths() {
		n, err := r.NextNumber(ctx, topology.Kind())
		if err != nil {
			return nil, err
		}
		i := instance.Instance{
			Kind: topology.Kind(), Collection: instance.Block(n), ID: strconv.FormatInt(n, 10),
			Name: strings.Repeat("a", length), Version: 1, Incarnation: instance.NewIncarnation(), CreatedAt: change.At,
		}
		for _, write := range []struct {
			name string
			do   func() error
		}{
			{"create", func() error { return r.Create(ctx, i, change, nil) }},
			{"rename", func() (err error) {
				after := i
				after.Name = strings.Repeat("b", length)
				i, err = r.Replace(ctx, i, after, change, nil)
				return err
			}},
			{"change of anything else", func() (err error) {
				after := i
				after.Active = !after.Active
				i, err = r.Replace(ctx, i, after, change, nil)
				return err
			}},
			{"delete", func() error { return r.Delete(ctx, i.Key(), change, nil, nil) }},
		} {
			if _, err := m.meter.take(); err != nil {
				return nil, err
			}
			if err := write.do(); err != nil {
				return nil, fmt.Errorf("%s: %w", write.name, err)
			}
			used, err := m.meter.take()
			if err != nil {
				return nil, err
			}
			rows = append(rows, row{
				group: nameRows, name: fmt.Sprintf("%s, name of %d letters", write.name, length),
				memoryMB: m.template.Functions[0].MemoryMB, usage: used,
			})
		}
	}
	return rows, nil
}
