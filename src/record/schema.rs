//! The record's format as a JSON Schema, derived from its types and their documentation.

use serde_json::{Value, json};

use super::{Report, SCHEMA, SCHEMA_VERSION};

/// Where the schema is published.
pub const RECORD_SCHEMA_ID: &str =
    "https://github.com/contain-test/contain-test/raw/main/reports/schema/record-v1.json";

/// The JSON Schema (draft 2020-12) of records that this version writes. Later versions may add fields, so unknown ones are
/// allowed.
#[must_use]
pub fn record_schema() -> Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    schema["$id"] = json!(RECORD_SCHEMA_ID);
    schema["title"] = json!("contain-test record");
    schema["properties"]["schema"]["const"] = json!(SCHEMA);
    schema["properties"]["schema_version"]["const"] = json!(SCHEMA_VERSION);
    schema
}
