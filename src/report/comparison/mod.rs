//! Views of a comparison of records.

mod lines;
mod markdown;
mod table;

pub use markdown::comparison_markdown;
pub use table::comparison_table;

use super::json::printable;
use crate::record::Comparison;

/// The comparison as indented JSON, with a newline at the end; nothing in it steers a terminal.
#[must_use]
pub fn comparison_json(comparison: &Comparison) -> String {
    // Made of strings, numbers, lists and maps with string keys: it always serialises.
    printable(&serde_json::to_string_pretty(comparison).unwrap_or_default()) + "\n"
}
