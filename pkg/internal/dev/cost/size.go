package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// value is an attribute value as the protocol has it: one member, whose name
// is the type.
type value map[string]json.RawMessage

// item is an item, or a key.
type item map[string]value

// size returns the bytes that DynamoDB counts for an item:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (i item) size() (int, error) {
	total := 0
	for name, v := range i {
		n, err := v.size()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total += len(name) + n
	}
	return total, nil
}

// What a list or a map takes by itself, and for each of its elements.
const (
	collectionBytes = 3
	elementBytes    = 1
)

func (v value) size() (int, error) {
	if len(v) != 1 {
		return 0, fmt.Errorf("the value has %d types", len(v))
	}
	for kind, raw := range v {
		switch kind {
		case "NULL", "BOOL":
			return 1, nil
		case "S", "N", "B":
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return 0, fmt.Errorf("decode a value: %w", err)
			}
			return scalarSize(kind, text)
		case "SS", "NS", "BS":
			var texts []string
			if err := json.Unmarshal(raw, &texts); err != nil {
				return 0, fmt.Errorf("decode a set: %w", err)
			}
			total := 0
			for _, text := range texts {
				n, err := scalarSize(kind[:1], text)
				if err != nil {
					return 0, err
				}
				total += n
			}
			return total, nil
		case "L":
			var elements []value
			if err := json.Unmarshal(raw, &elements); err != nil {
				return 0, fmt.Errorf("decode a list: %w", err)
			}
			total := collectionBytes
			for _, element := range elements {
				n, err := element.size()
				if err != nil {
					return 0, err
				}
				total += elementBytes + n
			}
			return total, nil
		case "M":
			var members item
			if err := json.Unmarshal(raw, &members); err != nil {
				return 0, fmt.Errorf("decode a map: %w", err)
			}
			n, err := members.size()
			return collectionBytes + len(members)*elementBytes + n, err
		default:
			return 0, fmt.Errorf("the type %s is not known", kind)
		}
	}
	return 0, nil
}

func scalarSize(kind, text string) (int, error) {
	switch kind {
	case "N":
		return numberSize(text)
	case "B":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return 0, fmt.Errorf("decode bytes: %w", err)
		}
		return len(b), nil
	default:
		return len(text), nil
	}
}

// numberSize is a byte, and one for every two significant digits before the
// point, and behind it.
func numberSize(text string) (int, error) {
	if strings.ContainsAny(text, "eE") {
		return 0, fmt.Errorf("the number %s has an exponent, which is not understood", text)
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		fraction = strings.TrimLeft(fraction, "0")
	}
	if fraction == "" {
		whole = strings.TrimRight(whole, "0")
	}
	return 1 + (len(whole)+1)/2 + (len(fraction)+1)/2, nil
}
