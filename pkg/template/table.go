package template

import "slices"

// Table is one AWS::DynamoDB::Table. It is always on demand.
type Table struct {
	LogicalID string
	// Attributes are the definitions of all key attributes, including those of
	// indexes.
	Attributes []Attribute
	Key        Key
	// Indexes are the global secondary indexes.
	Indexes []Index
	// Expiry is the attribute that holds the time to live, or empty.
	Expiry string
}

// Attribute is the definition of a key attribute.
type Attribute struct {
	Name string
	// Type is S, N or B.
	Type string
}

// Key names the attributes of a key.
type Key struct {
	Partition string
	// Sort is empty where there is no sort key.
	Sort string
}

// Index is a global secondary index.
type Index struct {
	Name string
	Key  Key
	// Projection is KEYS_ONLY, INCLUDE or ALL.
	Projection string
	// NonKeyAttributes are what an INCLUDE projection adds to the keys.
	NonKeyAttributes []string
}

// Index returns the global secondary index with that name.
func (t Table) Index(name string) (Index, bool) {
	return find(t.Indexes, func(x Index) bool { return x.Name == name })
}

func (d *document) table(id string, p node) Table {
	p.allow("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "TimeToLiveSpecification",
		"PointInTimeRecoverySpecification", "SSESpecification", "DeletionProtectionEnabled", "OnDemandThroughput", "Tags")
	if p.at("BillingMode").text() != "PAY_PER_REQUEST" {
		p.at("BillingMode").fail("must be PAY_PER_REQUEST")
	}
	t := Table{LogicalID: id, Key: key(p.at("KeySchema"))}
	for _, a := range p.at("AttributeDefinitions").items() {
		a.allow("AttributeName", "AttributeType")
		t.Attributes = append(t.Attributes, Attribute{a.at("AttributeName").text(), a.at("AttributeType").text()})
	}
	for _, x := range p.at("GlobalSecondaryIndexes").items() {
		x.allow("IndexName", "KeySchema", "Projection", "OnDemandThroughput")
		projection := x.at("Projection")
		projection.allow("ProjectionType", "NonKeyAttributes")
		index := Index{
			Name:       x.at("IndexName").text(),
			Key:        key(x.at("KeySchema")),
			Projection: projection.at("ProjectionType").text(),
		}
		for _, a := range projection.at("NonKeyAttributes").items() {
			index.NonKeyAttributes = append(index.NonKeyAttributes, a.text())
		}
		t.Indexes = append(t.Indexes, index)
	}
	if ttl := p.at("TimeToLiveSpecification"); ttl.at("Enabled").yes() {
		t.Expiry = ttl.at("AttributeName").text()
	}
	p.at("AttributeDefinitions").checkUsed(t)
	return t
}

// checkUsed fails unless exactly the key attributes are defined, as DynamoDB
// requires.
func (n node) checkUsed(t Table) {
	used := []string{t.Key.Partition, t.Key.Sort}
	for _, x := range t.Indexes {
		used = append(used, x.Key.Partition, x.Key.Sort)
	}
	for _, name := range used {
		if name != "" && !slices.ContainsFunc(t.Attributes, func(a Attribute) bool { return a.Name == name }) {
			n.fail("lack the key attribute %q", name)
		}
	}
	for _, a := range t.Attributes {
		if !slices.Contains(used, a.Name) {
			n.fail("have %q, which is in no key", a.Name)
		}
	}
}

func key(n node) Key {
	var k Key
	for _, part := range n.items() {
		part.allow("AttributeName", "KeyType")
		name := part.at("AttributeName").text()
		switch kind := part.at("KeyType").text(); kind {
		case "HASH":
			k.Partition = name
		case "RANGE":
			k.Sort = name
		default:
			part.at("KeyType").fail("is %q, not HASH or RANGE", kind)
		}
	}
	if k.Partition == "" {
		n.fail("has no HASH key")
	}
	return k
}
