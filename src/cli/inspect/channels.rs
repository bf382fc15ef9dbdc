//! `inspect --channels`: which files below `/proc` and `/sys` tell a sandbox something of others.

use serde::Serialize;

use crate::analyze::ExitOptions;
use crate::cli::args::FactsFormat;
use crate::cli::progress::{Progress, Verbosity};
use crate::cli::terminal::Terminal;
use crate::cli::{CommandError, to_json};
use crate::engine::{self, RunOptions};
use crate::record::{Channels, Machine};
use crate::report::channels_table;
use crate::scenario::channels_scenario;

/// The document of `--format json`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    schema_version: u32,
    machine: &'a Machine,
    configs: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    config: String,
    #[serde(flatten)]
    channels: Channels,
}

/// Reads everything in two sandboxes with the usual paths hidden, and in two with none, and prints the classes. The exit code is that of
/// a run.
///
/// # Errors
/// [`CommandError`], as `run`.
pub fn run(format: FactsFormat, terminal: &Terminal) -> Result<u8, CommandError> {
    let scenario = channels_scenario()?;
    let mut progress = Progress::new(terminal, Verbosity::Normal);
    let options = RunOptions { exit: ExitOptions::default(), ..RunOptions::default() };
    let outcome = engine::run(&[scenario], options, &mut |event| progress.event(event))?;
    progress.clear();
    let mut configs = Vec::new();
    for case in outcome.report.scenarios.into_iter().flat_map(|scenario| scenario.cases) {
        match case.channels {
            Some(channels) => configs.push((case.config, channels)),
            None => terminal.note(&format!(
                "{}: {}\n",
                case.config,
                crate::report::escaped(&case.reason)
            )),
        }
    }
    let text = match format {
        FactsFormat::Table => channels_table(&configs, false),
        FactsFormat::Json => to_json(&Document {
            schema: "contain-test/channels",
            schema_version: 1,
            machine: &outcome.report.machines[0],
            configs: configs
                .into_iter()
                .map(|(config, channels)| Entry { config, channels })
                .collect(),
        })?,
    };
    terminal.result(&text)?;
    Ok(outcome.exit_code)
}
