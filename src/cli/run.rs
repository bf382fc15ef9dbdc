//! `run`: load, open the exports, run, judge, write.

use super::args::{RunArgs, RunFormat};
use super::events::EventLines;
use super::export::{self, ExportFormat};
use super::progress::{Progress, Verbosity};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::analyze::ExitOptions;
use crate::engine::{self, RunOptions};
use crate::report::{self, Format, ViewOptions};
use crate::scenario::{self, Scenario};

/// Runs scenarios and prints the result.
///
/// # Errors
/// [`CommandError`]: scenario errors and unwritable exports before anything runs, harness errors after.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let exports = export::open_all(&args.exports);
    let scenarios = load(&args.paths);
    if let (Err(export), Err(_)) = (&exports, &scenarios) {
        // Both have to be mended, so both are told; the scenarios' errors follow as those of the command.
        terminal.error(export, None);
    }
    let (scenarios, exports) = (scenarios?, exports?);

    let mut progress = Progress::new(terminal, verbosity(args));
    let mut lines = (args.format == RunFormat::Jsonl).then(|| EventLines::new(terminal));
    let exit = ExitOptions { must_run: args.must_run, allow_inconclusive: args.allow_inconclusive };
    let outcome = engine::run(&scenarios, RunOptions { seed: args.seed, exit }, &mut |event| {
        progress.event(event);
        if let Some(lines) = &mut lines {
            lines.event(event);
        }
    })?;
    progress.clear();

    let report = outcome.report;
    let mut code = outcome.exit_code;
    let view = ViewOptions {
        color: terminal.stdout_color,
        width: usize::from(terminal.width()),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    // A view that cannot be written must not keep the others from being written.
    for open in exports {
        let ExportFormat::Json = open.format;
        if let Err(error) = open.write(&report::render(&report, Format::Json, &view)) {
            terminal.error(&error, None);
            code = exit_code::worst(code, exit_code::HARNESS_ERROR);
        }
    }
    let written = match args.format {
        RunFormat::Table => terminal.result(&report::render(&report, Format::Table, &view)),
        RunFormat::Json => terminal.result(&report::render(&report, Format::Json, &view)),
        RunFormat::Jsonl => lines.map_or(Ok(()), EventLines::finish),
    };
    if let Err(error) = written {
        terminal.error(&error, None);
        code = exit_code::worst(code, exit_code::HARNESS_ERROR);
    }
    Ok(code)
}

/// Finds and loads the scenarios of these paths.
pub(super) fn load(paths: &[String]) -> Result<Vec<Scenario>, CommandError> {
    Ok(scenario::load_all(&scenario::resolve(paths)?)?)
}

fn verbosity(args: &RunArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    }
}
