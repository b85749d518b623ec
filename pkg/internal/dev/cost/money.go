package main

import "math"

// row is an operation with the means of its calls.
type row struct {
	group, name string
	// viaAPI says that API Gateway, an access log and a trace are part of it,
	// and invokes that a function is.
	viaAPI, invokes bool
	// calls are those of DynamoDB.
	calls float64
	units units
	// own is the time that the function works in milliseconds, with the whole
	// processor, and waits the time that it waits for DynamoDB.
	own, waits float64
	memoryMB   int
	// logged are the bytes of log lines, and sent those of the answer.
	logged, sent float64
}

// billed returns the milliseconds that Lambda bills.
func (r row) billed() float64 {
	return math.Ceil(r.own*max(1, fullCPU/float64(r.memoryMB)) + r.waits)
}

// cost is in USD for a million of something.
type cost struct{ api, lambda, dynamoDB, logs, other float64 }

func (c cost) total() float64 { return c.api + c.lambda + c.dynamoDB + c.logs + c.other }

// costOf returns what a million of the operation costs.
func costOf(p prices, r row) cost {
	c := cost{
		dynamoDB: million * (r.units.read*p.readUnit.usd + r.units.write*p.writeUnit.usd),
		lambda:   million * r.billed() / 1000 * float64(r.memoryMB) / 1024 * p.lambdaGBSecond.usd,
		logs:     million * r.logged / gb * p.logGB.usd,
		other:    million * r.sent / gb * p.outGB.usd,
	}
	if r.invokes {
		c.lambda += million * p.lambdaRequest.usd
	}
	if r.viaAPI {
		c.api = million * p.apiRequest.usd
		c.other += million * traced(requestRate) * p.trace.usd
	}
	return c
}

// traced is the share of the calls of which X-Ray records a trace, at a number
// of calls per second.
func traced(rate float64) float64 {
	if rate <= 1 {
		return 1
	}
	return 1/rate + (1-1/rate)*sampledShare
}
