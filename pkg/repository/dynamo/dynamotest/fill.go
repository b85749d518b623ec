package dynamotest

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxPuts is how many items DynamoDB stores in one batch.
const maxPuts = 25

// Fill puts the items of a table into another one. That is much faster than to
// do again what made them.
func Fill(t testing.TB, table, from Table) {
	t.Helper()
	client := table.Client(nil)
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &from.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("read table: %v", err)
		}
		for items := range slices.Chunk(page.Items, maxPuts) {
			var puts []types.WriteRequest
			for _, item := range items {
				puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
			}
			out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{table.Name: puts},
			})
			if err != nil || len(out.UnprocessedItems) > 0 {
				t.Fatalf("fill table: %v, %d left out", err, len(out.UnprocessedItems))
			}
		}
	}
}
