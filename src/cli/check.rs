//! `check`: are these scenario files valid? It never looks at the machine.

use serde::Serialize;

use super::args::{CheckArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::scenario::{self, Diagnostic, FindError};

/// The JSON form of the answer.
#[derive(Debug, Serialize)]
struct CheckReport {
    files: Vec<CheckedFile>,
}

#[derive(Debug, Serialize)]
struct CheckedFile {
    file: String,
    /// The scenario's name; null when the file has errors.
    scenario: Option<String>,
    ok: bool,
    errors: Vec<CheckError>,
}

#[derive(Debug, Serialize)]
struct CheckError {
    /// From 1; null when the error is about the whole file.
    line: Option<u64>,
    column: Option<u64>,
    message: String,
    help: Option<String>,
}

/// Checks every file and prints the answer. 0 when all are valid, 2 when one is not.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &CheckArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let mut report = CheckReport { files: Vec::new() };
    let mut rendered = Vec::new();
    let mut sources = Vec::new();
    for path in &args.paths {
        match scenario::resolve(std::slice::from_ref(path)) {
            Ok(found) => sources.extend(found),
            Err(error) => {
                rendered.push(format!("error: {error}"));
                report.files.push(unknown(path, &error));
            }
        }
    }
    // File by file, so that the valid ones are known even when others are not.
    for source in &sources {
        match scenario::load(source) {
            Ok(scenario) => report.files.push(CheckedFile {
                file: scenario.file,
                scenario: Some(scenario.name),
                ok: true,
                errors: Vec::new(),
            }),
            Err(errors) => {
                rendered.push(errors.to_string());
                add_errors(&mut report, errors.0);
            }
        }
    }
    // Each file may be fine alone and two of them clash, by a name used twice.
    if rendered.is_empty()
        && let Err(errors) = scenario::load_all(&sources)
    {
        rendered.push(errors.to_string());
        add_errors(&mut report, errors.0);
    }
    let ok = report.files.iter().all(|file| file.ok);
    match args.format {
        FactsFormat::Json => terminal.result(&super::to_json(&report)?)?,
        FactsFormat::Table => {
            let valid: Vec<String> = report.files.iter().filter(|file| file.ok).map(line).collect();
            if !valid.is_empty() {
                terminal.result(&valid.join("\n"))?;
            }
            for errors in rendered {
                terminal.note(&errors);
            }
        }
    }
    Ok(if ok { exit_code::OK } else { exit_code::USAGE })
}

/// A path that leads to no scenario.
fn unknown(path: &str, error: &FindError) -> CheckedFile {
    let text = error.to_string();
    let (message, help) = text.split_once("\nhelp: ").unwrap_or((&text, ""));
    let help = (!help.is_empty()).then(|| help.to_owned());
    let error = CheckError { line: None, column: None, message: message.to_owned(), help };
    CheckedFile { file: path.to_owned(), scenario: None, ok: false, errors: vec![error] }
}

fn line(file: &CheckedFile) -> String {
    format!("{}: ok ({})", file.file, file.scenario.as_deref().unwrap_or_default())
}

/// Files each error under its file; a file that looked valid so far loses that.
fn add_errors(report: &mut CheckReport, diagnostics: Vec<Diagnostic>) {
    for diagnostic in diagnostics {
        let error = CheckError {
            line: Some(diagnostic.position.line),
            column: Some(diagnostic.position.column),
            message: diagnostic.message,
            help: diagnostic.help,
        };
        match report.files.iter_mut().find(|file| file.file == diagnostic.file) {
            Some(file) => {
                file.ok = false;
                file.scenario = None;
                file.errors.push(error);
            }
            None => report.files.push(CheckedFile {
                file: diagnostic.file,
                scenario: None,
                ok: false,
                errors: vec![error],
            }),
        }
    }
}
