//! `explain`: what a name means.

use std::fmt::Write as _;

use serde::Serialize;

use super::args::{ExplainArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::glossary::{ENTRIES, Entry};
use crate::scenario::did_you_mean;

/// The JSON form of the answer.
#[derive(Serialize)]
struct Explanation {
    entries: Vec<&'static Entry>,
}

/// Prints every meaning of a name.
///
/// # Errors
/// [`CommandError::Usage`] for a name that nothing has.
pub fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let entries: Vec<&Entry> =
        ENTRIES.iter().filter(|entry| entry.name.eq_ignore_ascii_case(&args.name)).collect();
    if entries.is_empty() {
        return Err(unknown(&args.name));
    }
    let text = match args.format {
        FactsFormat::Table => entries.iter().map(|entry| view(entry)).collect(),
        FactsFormat::Json => super::to_json(&Explanation { entries })?,
    };
    terminal.result(&text)?;
    Ok(exit_code::OK)
}

fn view(entry: &Entry) -> String {
    let mut text = format!("{} ({}): {}\n", entry.name, entry.kind.name(), entry.meaning);
    let widest = entry.details.iter().map(|detail| detail.label.len()).max().unwrap_or(0);
    for detail in entry.details {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:widest$}  {}", detail.label, detail.text);
    }
    text
}

fn unknown(name: &str) -> CommandError {
    let names = ENTRIES.iter().map(|entry| entry.name);
    let help = match did_you_mean(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut known: Vec<&str> = names.collect();
            known.sort_unstable();
            known.dedup();
            format!("known: {}", known.join(", "))
        }
    };
    CommandError::Usage { message: format!("nothing is called `{}`", name.escape_debug()), help }
}
