package template

import (
	"regexp"
	"strings"
)

// GatewayResponse is the form of one of the gateway's own answers.
type GatewayResponse struct {
	// Status is 0 where the kind of refusal decides it.
	Status int
	// Headers are fixed values, or [RequestIDVariable].
	Headers map[string]string
	// Body is empty for the gateway's own. It may contain
	// $context.error.message, $context.error.messageString, which is quoted,
	// $context.error.responseType and $context.requestId.
	Body string
}

// isResponseType reports whether API Gateway knows the type. It refuses any other,
// but only during the deployment.
func isResponseType(kind string) bool {
	switch kind {
	case "ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE",
		"BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN",
		"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "INVALID_API_KEY", "INVALID_SIGNATURE",
		"MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "THROTTLED",
		"UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED":
		return true
	}
	return false
}

// isContextVariable reports whether a body may contain the variable.
func isContextVariable(name string) bool {
	switch name {
	case "$context.error.message", "$context.error.messageString", "$context.error.responseType", "$context.requestId":
		return true
	}
	return false
}

var contextVariable = regexp.MustCompile(`\$[A-Za-z0-9_.-]*`)

func gatewayResponse(kind string, n node) GatewayResponse {
	if !isResponseType(kind) {
		n.fail("is not a gateway response that API Gateway knows")
	}
	n.allow("statusCode", "responseParameters", "responseTemplates")
	g := GatewayResponse{Headers: map[string]string{}}
	if status := n.at("statusCode"); status.there() {
		g.Status = status.number()
	}
	for _, p := range n.at("responseParameters").entries() {
		name, ok := strings.CutPrefix(p.key, "gatewayresponse.header.")
		if !ok {
			p.value.fail("is not understood")
		}
		g.Headers[name] = p.value.header()
	}
	g.Body = body(n.at("responseTemplates"), g.Headers)
	for _, v := range contextVariable.FindAllString(g.Body, -1) {
		if !isContextVariable(v) {
			n.at("responseTemplates").fail("hold %s, which is not understood", v)
		}
	}
	return g
}
