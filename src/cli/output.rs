//! What becomes of a record at the end of `run` and `report`: the exports, then stdout.

use super::export::OpenExport;
use super::terminal::{Terminal, TerminalError};
use super::{ci, exit_code};
use crate::record::Report;
use crate::report::{self, Format, ViewOptions};

/// Writes the exports and, in the given format, stdout; `None` leaves stdout alone. Returns the exit code: the given one,
/// unless something could not be written.
///
/// A view that cannot be written does not keep the others from being written.
pub fn write(
    report: &Report,
    stdout: Option<Format>,
    exports: Vec<OpenExport>,
    view: &ViewOptions,
    terminal: &Terminal,
    code: u8,
) -> u8 {
    let mut code = code;
    for open in exports {
        let contents = report::render(report, open.format, view);
        if let Err(error) = open.write(&contents) {
            terminal.error(&error, None);
            code = exit_code::worst(code, exit_code::HARNESS_ERROR);
        }
    }
    let written = stdout.map(|format| {
        let text = report::render(report, format, view);
        match format {
            // Prose may hold names from files at the beginning of a line; other formats quote or escape them.
            Format::Table | Format::Markdown if ci::on_github() => {
                terminal.result(&ci::disarmed(&text))
            }
            _ => terminal.result(&text),
        }
    });
    told(written.unwrap_or(Ok(())), terminal, code)
}

/// Says that stdout could not be written, and what that makes of the exit code.
pub fn told(written: Result<(), TerminalError>, terminal: &Terminal, code: u8) -> u8 {
    let Err(error) = written else { return code };
    terminal.error(&error, None);
    exit_code::worst(code, exit_code::HARNESS_ERROR)
}
