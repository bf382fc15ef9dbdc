//! `clean`: removes what a killed run left on this machine, by its ledger.

use super::args::{FactsArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::engine;

/// Cleans and prints what was removed and what was not. 0 when nothing is left, 6 otherwise.
///
/// # Errors
/// [`CommandError`] when the ledgers cannot be read, or stdout cannot be written.
pub fn run(args: &FactsArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let cleaned = engine::clean_here()?;
    let text = match args.format {
        FactsFormat::Json => super::to_json(&cleaned)?,
        FactsFormat::Table => {
            let mut lines: Vec<String> =
                cleaned.removed.iter().map(|it| format!("removed {it}")).collect();
            lines.extend(cleaned.failures.iter().map(|it| format!("left: {it}")));
            lines.extend(cleaned.alive.iter().map(|it| format!("run {it} is alive: left alone")));
            if lines.is_empty() {
                lines.push("nothing to clean".to_owned());
            }
            lines.join("\n")
        }
    };
    terminal.result(&text)?;
    Ok(if cleaned.failures.is_empty() { exit_code::OK } else { exit_code::CLEANUP_FAILED })
}
