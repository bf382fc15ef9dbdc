//! The record as JSON, and back.

use serde::Deserialize;
use thiserror::Error;

use super::escape::steers;
use crate::record::{Report, SCHEMA, SCHEMA_VERSION};

/// Why a text is no record that this version can read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No JSON, or fields are missing or of another type.
    #[error("no readable record: {0}")]
    Json(#[from] serde_json::Error),
    /// Another kind of document.
    #[error("`schema` is `{found}`, a record has `{SCHEMA}`")]
    Schema {
        /// What it says it is, escaped.
        found: String,
    },
    /// A record of a version that this program does not know.
    #[error("the record has `schema_version` {found}, this program reads {SCHEMA_VERSION}")]
    Version {
        /// The version it says it has.
        found: u64,
    },
}

/// What is looked at first: the rest may have another form.
#[derive(Deserialize)]
struct Header {
    schema: String,
    schema_version: u64,
}

/// The record as indented JSON, with a newline at the end.
///
/// Characters that a terminal would act on are written as `\u` escapes, so that the text can be shown as it is.
#[must_use]
pub fn to_json(report: &Report) -> String {
    // A record holds strings, numbers and maps with string keys only: turning it into JSON cannot fail.
    let text = serde_json::to_string_pretty(report).unwrap_or_else(|error| {
        serde_json::json!({ "schema": SCHEMA, "error": error.to_string() }).to_string()
    });
    printable(&text) + "\n"
}

/// JSON in which every character that a terminal would act on is an escape; line breaks are the indentation's, for within strings
/// they are escaped already.
pub(super) fn printable(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && steers(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Reads a record back.
///
/// # Errors
///
/// When the text is no JSON, no record, or a record of another version.
pub fn from_json(text: &str) -> Result<Report, ReadError> {
    let header: Header = serde_json::from_str(text)?;
    if header.schema != SCHEMA {
        return Err(ReadError::Schema { found: header.schema.escape_debug().to_string() });
    }
    if header.schema_version != u64::from(SCHEMA_VERSION) {
        return Err(ReadError::Version { found: header.schema_version });
    }
    Ok(serde_json::from_str(text)?)
}
