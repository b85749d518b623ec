package main

// List prices in USD of us-east-1, the first tier, without free tiers, read on
// readOn. Scripts fill in the numbers on the pages of AWS, so each was read
// from the page named second.
const (
	readOn = "2026-11-21"

	// By the million.
	apiRequests    = 3.50         // REST APIs. https://aws.amazon.com/api-gateway/pricing/, https://awsforengineers.com/blog/aws-api-gateway-pricing-explained
	lambdaRequests = 0.20         // https://aws.amazon.com/lambda/pricing/, https://git.mcrn.ar/mariano/lambda_local_runner/src/commit/957e45b8adae23ce50b966346229585b5df18b4d/docs/lambdas-md/lambda-13-cost.md
	readUnits      = 0.125        // On demand. https://aws.amazon.com/dynamodb/pricing/on-demand/, https://airbyte.com/data-engineering-resources/dynamodb-pricing
	writeUnits     = 0.625        // The same.
	traces         = 5.00         // https://aws.amazon.com/xray/pricing/, https://aws.amazon.com/de/xray/pricing/
	lambdaGBSecond = 0.0000133334 // Of one, on arm64; source as for requests.

	// By the GB, which is 1e9 bytes here. AWS counts 2^30 in some places; this
	// is never cheaper.
	logGB = 0.50 // CloudWatch Logs. https://aws.amazon.com/cloudwatch/pricing/, https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/
	outGB = 0.09 // To the internet. https://aws.amazon.com/ec2/pricing/on-demand/, https://awsforengineers.com/blog/aws-api-gateway-pricing-explained

	// By the month.
	tableGB     = 0.25 // https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/dynamodb/pricing/
	backupGB    = 0.20 // https://aws.amazon.com/dynamodb/pricing/on-demand/, https://finops.com.py/services/dynamodb/backups
	alarmMetric = 0.10 // https://aws.amazon.com/cloudwatch/pricing/, https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm
	dashboard   = 3.00 // https://aws.amazon.com/cloudwatch/pricing/, page as for logs.
	routeMetric = 0.30 // https://aws.amazon.com/cloudwatch/pricing/, https://signoz.io/guides/cloudwatch-pricing
)

// What cannot be measured without AWS, and is assumed.
const (
	// readWait and transactionWait are how long a call of DynamoDB takes, in
	// milliseconds. Calls at the same time wait together.
	readWait        = 4
	transactionWait = 12
	// fullCPU is the memory in MB with which a function has one processor.
	fullCPU = 1769
	// requestRate is how many calls there are each second. By its default rule
	// X-Ray records the first of each second, and a share of the others.
	requestRate  = 10.0
	sampledShare = 0.05
	tracedShare  = 1/requestRate + (1-1/requestRate)*sampledShare
	// systemBytes is the length of the lines platform.start and platform.report.
	systemBytes = 782
	// eventBytes is what CloudWatch Logs adds to each line:
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
	eventBytes = 26
	// headerBytes is the size of an answer's headers, and of what TLS adds.
	headerBytes = 850
	// itemBytes is what DynamoDB adds to each item and each entry of an index:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
	itemBytes = 100
)
