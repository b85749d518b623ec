package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"instances/pkg/repository/dynamo/dynamolocal"
)

// stored is what the instances take in the table.
type stored struct {
	// instanceBytes is the mean size of the items of the instances themselves.
	instanceBytes float64
	// totalBytes is what an instance takes with all that belongs to it, which
	// are its history, its code, and its entries in indexes. Those are not part
	// of tableBytes, which is what can be recovered.
	totalBytes, tableBytes float64
}

// stored reads the whole table.
func (m *meter) stored(ctx context.Context, table dynamolocal.Table) (stored, error) {
	header := http.Header{}
	header.Set("Content-Type", "application/x-amz-json-1.0")
	header.Set(target, "DynamoDB_20120810.Scan")
	// The engine keeps the tables of each key apart; it does not look at the
	// signature.
	e := table.Environment()
	header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+e["AWS_ACCESS_KEY_ID"]+"/20260101/"+e["AWS_REGION"]+
		"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	var instances, own, items, entries int
	in := map[string]any{"TableName": table.Name}
	for {
		body, err := json.Marshal(in)
		if err != nil {
			return stored{}, fmt.Errorf("read the table: %w", err)
		}
		status, _, answer, err := m.ask(ctx, header, body)
		if err != nil {
			return stored{}, err
		}
		var page struct {
			Items            []item
			LastEvaluatedKey item
		}
		if status != http.StatusOK {
			return stored{}, fmt.Errorf("read the table: %d %.200s", status, answer)
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return stored{}, fmt.Errorf("decode the table: %w", err)
		}
		for _, i := range page.Items {
			n, err := i.size()
			if err != nil {
				return stored{}, err
			}
			if strings.HasPrefix(string(i[m.table.Key.Partition]["S"]), `"instance#`) {
				instances++
				own += n
			}
			items += n + itemBytes
			for _, index := range m.table.Indexes {
				e := entry(m.table, index, i)
				if e == nil {
					continue
				}
				n, err := e.size()
				if err != nil {
					return stored{}, err
				}
				entries += n + itemBytes
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			break
		}
		in["ExclusiveStartKey"] = page.LastEvaluatedKey
	}
	if instances == 0 {
		return stored{}, nil
	}
	mean := func(bytes int) float64 { return float64(bytes) / float64(instances) }
	return stored{mean(own), mean(items + entries), mean(items)}, nil
}
