//! `schema`: the formats of scenarios and records as JSON Schema.

use super::args::{SchemaArgs, SchemaOf};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::record::record_schema;
use crate::scenario::scenario_schema;

/// Prints the schema that is asked for. Always 0.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &SchemaArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let schema = match args.of {
        SchemaOf::Scenario => scenario_schema(),
        SchemaOf::Record => record_schema(),
    };
    terminal.result(&super::to_json(&schema)?)?;
    Ok(exit_code::OK)
}
