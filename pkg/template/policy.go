package template

import (
	"slices"
	"strings"
)

// Statement is a statement of a role. Its effect is always Allow.
type Statement struct {
	// Actions are such as dynamodb:GetItem, as written.
	Actions []string
	// Resources refer to attributes of the template's resources, as in
	// ${Table.Arn}/index/CodeIndex.
	Resources []string
	// Conditions are the values by operator and key, such as
	// ForAnyValue:StringEquals and dynamodb:EnclosingOperation.
	Conditions map[string]map[string][]string
}

// UsesTable reports whether the role of the function allows anything of DynamoDB.
func (f Function) UsesTable() bool {
	return slices.ContainsFunc(f.Statements, func(s Statement) bool {
		return slices.ContainsFunc(s.Actions, func(a string) bool { return strings.HasPrefix(a, "dynamodb:") })
	})
}

// statements reads the role that a function refers to. SAM would attach wider
// policies to a role that it creates.
func (d *document) statements(role node) []Statement {
	id, ok := strings.CutSuffix(strings.TrimPrefix(role.text(), "${"), ".Arn}")
	resource := d.resources.at(id)
	if !ok || resource.at("Type").textIfAny() != "AWS::IAM::Role" {
		role.fail("must be !GetAtt NAME.Arn of a role of this template")
		return nil
	}
	if condition := resource.at("Condition"); condition.there() {
		condition.fail("is not understood: a function always has its role")
	}
	p := resource.at("Properties")
	p.allow("AssumeRolePolicyDocument", "PermissionsBoundary", "Policies", "Tags")
	var all []Statement
	for _, policy := range p.at("Policies").items() {
		policy.allow("PolicyName", "PolicyDocument")
		document := policy.at("PolicyDocument")
		document.allow("Version", "Statement")
		for _, s := range document.at("Statement").items() {
			all = append(all, statement(s))
		}
	}
	return all
}

func statement(n node) Statement {
	n.allow("Sid", "Effect", "Action", "Resource", "Condition")
	if effect := n.at("Effect").text(); effect != "Allow" {
		n.at("Effect").fail("%q is not understood", effect)
	}
	s := Statement{Conditions: map[string]map[string][]string{}}
	for _, a := range n.at("Action").itemsOrOne() {
		s.Actions = append(s.Actions, a.text())
	}
	for _, r := range n.at("Resource").itemsOrOne() {
		s.Resources = append(s.Resources, r.text())
	}
	for _, operator := range n.at("Condition").entries() {
		keys := map[string][]string{}
		for _, k := range operator.value.entries() {
			for _, v := range k.value.itemsOrOne() {
				keys[k.key] = append(keys[k.key], v.text())
			}
		}
		s.Conditions[operator.key] = keys
	}
	return s
}
