package template

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// Schedule is an event that a function receives at fixed times.
type Schedule struct {
	// Expression is as EventBridge Scheduler reads it, such as rate(1 day).
	Expression string
	// Input is the JSON from which [Schedule.Event] makes events.
	Input string
	// DeadLetters is the address of the queue for what cannot be delivered, as
	// in ${Queue.Arn}.
	DeadLetters string
	// Statements are what the role of the schedule allows.
	Statements []Statement
}

// scheduledTime is what EventBridge Scheduler replaces with the scheduled time
// of an event.
const scheduledTime = "<aws.scheduler.scheduled-time>"

// Event returns what the function receives at that time.
func (s Schedule) Event(at time.Time) []byte {
	return []byte(strings.ReplaceAll(s.Input, scheduledTime, at.UTC().Format(time.RFC3339)))
}

var expression = regexp.MustCompile(`^(rate|cron|at)\([^()]+\)$`)

func (d *document) schedule(p node) Schedule {
	p.allow("Description", "OmitName", "ScheduleExpression", "FlexibleTimeWindow", "Input", "RetryPolicy",
		"DeadLetterConfig", "RoleArn")
	p.at("FlexibleTimeWindow").allow("Mode", "MaximumWindowInMinutes")
	p.at("RetryPolicy").allow("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
	if !p.at("OmitName").yes() {
		p.at("OmitName").fail("must be true, or SAM gives the schedules of all stacks one name")
	}
	s := Schedule{
		Expression:  p.at("ScheduleExpression").text(),
		Input:       p.at("Input").text(),
		DeadLetters: d.queue(p.at("DeadLetterConfig"), "Arn"),
		Statements:  d.statements(p.at("RoleArn")),
	}
	if !expression.MatchString(s.Expression) {
		p.at("ScheduleExpression").fail("is %q, which is not a time", s.Expression)
	}
	if !json.Valid([]byte(s.Input)) {
		p.at("Input").fail("is not JSON")
	}
	return s
}

// onFailure reads where the events go that a function keeps failing on.
func (d *document) onFailure(n node) string {
	if !n.there() {
		return ""
	}
	n.allow("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
	n.at("DestinationConfig").allow("OnFailure")
	destination := n.at("DestinationConfig").at("OnFailure")
	if kind := destination.at("Type"); kind.text() != "SQS" {
		kind.fail("must be SQS")
	}
	destination.allow("Type", "Destination")
	return d.queue(destination, "Destination")
}

// queue reads the address of a queue of this template from the value of a key.
func (d *document) queue(n node, name string) string {
	address := n.at(name)
	text := address.text()
	id, ok := strings.CutSuffix(strings.TrimPrefix(text, "${"), ".Arn}")
	if !ok || d.resources.at(id).at("Type").textIfAny() != "AWS::SQS::Queue" {
		address.fail("must be !GetAtt NAME.Arn of a queue of this template")
	}
	return text
}
