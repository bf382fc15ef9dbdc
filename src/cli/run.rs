//! `run`: load, open the exports, run, judge, write.

use super::args::{RunArgs, RunFormat};
use super::events::EventLines;
use super::export::{self, ExportFormat};
use super::progress::{Progress, Verbosity};
use super::terminal::Terminal;
use super::wiring::{self, ExitPolicy, RecordFormat, RunOptions, ViewOptions};
use super::{CommandError, exit_code};

/// Runs scenarios and prints the result.
///
/// # Errors
/// [`CommandError`]: scenario errors and unwritable exports before anything runs, harness errors after.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let exports = export::open_all(&args.exports);
    let scenarios = wiring::load_all(&args.paths);
    if let (Err(export), Err(_)) = (&exports, &scenarios) {
        // Both have to be mended, so both are told; the scenarios' errors follow as those of the command.
        terminal.error(export, None);
    }
    let (scenarios, exports) = (scenarios?, exports?);

    let mut progress = Progress::new(terminal, verbosity(args));
    let mut lines = (args.format == RunFormat::Jsonl).then(|| EventLines::new(terminal));
    let options = RunOptions { seed: args.seed };
    let report = wiring::run(scenarios, &options, &mut |event| {
        progress.event(event);
        if let Some(lines) = &mut lines {
            lines.event(event);
        }
    })?;
    progress.clear();

    let view = ViewOptions { color: terminal.stdout_color, width: terminal.width() };
    let policy =
        ExitPolicy { must_run: args.must_run, allow_inconclusive: args.allow_inconclusive };
    let mut code = wiring::exit_verdict(&report, &policy);
    // A view that cannot be written must not keep the others from being written.
    for open in exports {
        let ExportFormat::Json = open.format;
        let contents = wiring::render(&report, RecordFormat::Json, &view);
        if let Err(error) = open.write(&contents) {
            terminal.error(&error, None);
            code = exit_code::worst(code, exit_code::HARNESS_ERROR);
        }
    }
    let written = match args.format {
        RunFormat::Table => terminal.result(&wiring::render(&report, RecordFormat::Table, &view)),
        RunFormat::Json => terminal.result(&wiring::render(&report, RecordFormat::Json, &view)),
        RunFormat::Jsonl => lines.map_or(Ok(()), EventLines::finish),
    };
    if let Err(error) = written {
        terminal.error(&error, None);
        code = exit_code::worst(code, exit_code::HARNESS_ERROR);
    }
    Ok(code)
}

fn verbosity(args: &RunArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    }
}
