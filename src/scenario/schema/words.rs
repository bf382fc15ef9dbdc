//! What the pieces of the schema are made of.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

/// A definition with a sentence for this place.
pub(super) fn described(name: &str, description: &str) -> Value {
    let mut value = reference(name);
    value["description"] = json!(description);
    value
}

pub(super) fn with_default(mut value: Value, default: Value) -> Value {
    value["default"] = default;
    value
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(super) fn count(range: &RangeInclusive<u64>, description: &str) -> Value {
    // A number in quotes is the same to the reader of the format.
    json!({
        "anyOf": [
            { "type": "integer", "minimum": range.start(), "maximum": range.end() },
            { "type": "string", "pattern": "^[0-9]+$" },
        ],
        "description": description,
    })
}

pub(super) fn quantity(pattern: &str, description: &str) -> Value {
    json!({
        "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": pattern }],
        "description": description,
    })
}

pub(super) fn name(extra: &str, description: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^[a-z0-9][a-z0-9{extra}-]{{0,39}}$"), "description": description })
}

pub(super) fn one_or_more(item: &Value, description: &str) -> Value {
    json!({ "anyOf": [item, { "type": "array", "minItems": 1, "items": item }], "description": description })
}

pub(super) fn entries(list: &[(&str, Value)]) -> Map<String, Value> {
    list.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// The decoder's keys, each with what the schema says of it.
pub(super) fn of_keys(keys: &[&str], all: &[(&str, Value)]) -> Map<String, Value> {
    let of = |key: &&str| {
        let known = all.iter().find(|(name, _)| name == key);
        // A key that the schema has not heard of may hold anything; a test finds it.
        ((*key).to_owned(), known.map_or(json!(true), |(_, value)| value.clone()))
    };
    keys.iter().map(of).collect()
}

pub(super) fn object(
    properties: Map<String, Value>,
    required: &[&str],
    description: &str,
) -> Value {
    let mut object = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    if !description.is_empty() {
        object["description"] = json!(description);
    }
    object
}

pub(super) fn bytes_or_max(about: &str) -> Value {
    json!({ "anyOf": [reference("bytes"), { "const": "max" }], "description": about })
}
