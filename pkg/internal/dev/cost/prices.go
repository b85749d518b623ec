package main

// readOn is when the prices were read.
const readOn = "2026-11-21"

// price is a list price in us-east-1, the first tier, without free tiers.
type price struct {
	what string
	// usd is for one unit.
	usd  float64
	unit string
	// source is where AWS publishes it. Scripts fill in the numbers there, so
	// quoted is the page from which this one was read.
	source, quoted string
}

// prices is the one list of what AWS charges.
type prices struct {
	apiRequest, lambdaRequest, lambdaGBSecond, readUnit, writeUnit, logGB, trace, outGB price
	// Those below are by the month.
	tableGB, backupGB, alarmMetric, dashboard, routeMetric price
}

// gb is what a price by the GB is for. AWS counts 2^30 bytes in some places;
// this is never cheaper.
const gb = 1e9

const million = 1e6

func listPrices() prices {
	const (
		dynamoDB   = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
		lambda     = "https://aws.amazon.com/lambda/pricing/"
		cloudWatch = "https://aws.amazon.com/cloudwatch/pricing/"

		// They have the prices of DynamoDB since November 2024, which are half
		// of those before.
		quotesDynamoDB   = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
		quotesGateway    = "https://awsforengineers.com/blog/aws-api-gateway-pricing-explained"
		quotesLambda     = "https://git.mcrn.ar/mariano/lambda_local_runner/src/commit/957e45b8adae23ce50b966346229585b5df18b4d/docs/lambdas-md/lambda-13-cost.md"
		quotesCloudWatch = "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/"
	)
	return prices{
		apiRequest:     price{"API Gateway, REST, to 333 million a month", 3.50 / million, "request", "https://aws.amazon.com/api-gateway/pricing/", quotesGateway},
		lambdaRequest:  price{"Lambda, requests", 0.20 / million, "request", lambda, quotesLambda},
		lambdaGBSecond: price{"Lambda, duration on arm64", 0.0000133334, "GB-second", lambda, quotesLambda},
		readUnit:       price{"DynamoDB, on-demand reads", 0.125 / million, "read request unit", dynamoDB, quotesDynamoDB},
		writeUnit:      price{"DynamoDB, on-demand writes", 0.625 / million, "write request unit", dynamoDB, quotesDynamoDB},
		logGB:          price{"CloudWatch Logs, ingestion", 0.50, "GB", cloudWatch, quotesCloudWatch},
		trace:          price{"X-Ray, traces recorded", 5.00 / million, "trace", "https://aws.amazon.com/xray/pricing/", "https://aws.amazon.com/de/xray/pricing/"},
		outGB:          price{"data transfer to the internet, to 10 TB a month", 0.09, "GB", "https://aws.amazon.com/ec2/pricing/on-demand/", quotesGateway},

		tableGB:     price{"DynamoDB, storage", 0.25, "GB-month", dynamoDB, "https://aws.amazon.com/dynamodb/pricing/"},
		backupGB:    price{"DynamoDB, point-in-time recovery", 0.20, "GB-month", dynamoDB, "https://finops.com.py/services/dynamodb/backups"},
		alarmMetric: price{"CloudWatch, metrics of alarms", 0.10, "metric-month", cloudWatch, "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm"},
		dashboard:   price{"CloudWatch, dashboards", 3.00, "dashboard-month", cloudWatch, quotesCloudWatch},
		routeMetric: price{"CloudWatch, metrics of routes", 0.30, "metric-month", cloudWatch, "https://signoz.io/guides/cloudwatch-pricing"},
	}
}

// What cannot be measured without AWS, and is assumed.
const (
	// readWait and transactionWait are how long a function waits for
	// DynamoDB, in milliseconds. Calls at the same time wait together.
	readWait        = 4
	transactionWait = 12
	// fullCPU is the memory in MB with which a function has one processor. One
	// with less gets its share, so that its own work takes longer than here.
	fullCPU = 1769
	// requestRate is how many calls there are each second. By its default
	// rule X-Ray records the first of each second, and a share of the others.
	requestRate  = 10.0
	sampledShare = 0.05
	// eventBytes is what CloudWatch Logs adds to each line:
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
	eventBytes = 26
	// headerBytes are those of TLS records and of the headers that API Gateway
	// adds to an answer.
	headerBytes = 500
	// itemBytes is what DynamoDB adds to each item that it stores, and to each
	// entry of an index:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
	itemBytes = 100
)

// systemLines are what Lambda logs of each invocation, beside the function's
// own line, with values of the usual length.
func systemLines() []string {
	return []string{
		`{"time":"2026-11-21T12:00:00.000Z","type":"platform.start","record":{"requestId":"6f68e0a2-6a4c-4f0c-9a6e-0b7d3d1f9f10",` +
			`"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:instances-prod-TopologySearch-AbCdEfGhIjKl:live",` +
			`"version":"12","tracing":{"spanId":"5f0e3a2b1c4d5e6f","type":"X-Amzn-Trace-Id",` +
			`"value":"Root=1-67b9a1c0-5e0f3a2b1c4d5e6f7a8b9c0d;Parent=53995c3f42cd8ad8;Sampled=1"}}}`,
		`{"time":"2026-11-21T12:00:00.000Z","type":"platform.report","record":{"requestId":"6f68e0a2-6a4c-4f0c-9a6e-0b7d3d1f9f10",` +
			`"metrics":{"durationMs":12.345,"billedDurationMs":13,"memorySizeMB":256,"maxMemoryUsedMB":42},` +
			`"tracing":{"spanId":"5f0e3a2b1c4d5e6f","type":"X-Amzn-Trace-Id",` +
			`"value":"Root=1-67b9a1c0-5e0f3a2b1c4d5e6f7a8b9c0d;Parent=53995c3f42cd8ad8;Sampled=1"},"status":"success"}}`,
	}
}

// contextValues are values of the usual length, by the variables that an
// access log may have.
func contextValues() map[string]string {
	return map[string]string{
		"requestId":             "6f68e0a2-6a4c-4f0c-9a6e-0b7d3d1f9f10",
		"extendedRequestId":     "GjW0dGxTIAMEbHw=",
		"xrayTraceId":           "1-67b9a1c0-5e0f3a2b1c4d5e6f7a8b9c0d",
		"requestTimeEpoch":      "1740218740000",
		"identity.sourceIp":     "203.0.113.100",
		"httpMethod":            "DELETE",
		"resourcePath":          "/flexdeploy/rest/v1/topology/instance/{Id}",
		"status":                "200",
		"responseLatency":       "123",
		"integration.status":    "200",
		"integration.latency":   "100",
		"integration.requestId": "6f68e0a2-6a4c-4f0c-9a6e-0b7d3d1f9f10",
		"integration.error":     "-",
		"error.responseType":    "-",
		"responseLength":        "12345",
	}
}
