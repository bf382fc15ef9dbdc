//! `compare`: what changed from one record to others.

use std::path::Path;

use super::args::{CompareArgs, CompareFormat};
use super::report::read;
use super::terminal::Terminal;
use super::{CommandError, ci, exit_code};
use crate::analyze::{self, Source};
use crate::record::{Report, Tool, Unlike};
use crate::report::{ViewOptions, comparison_json, comparison_markdown, comparison_table, escaped};

/// Compares records and prints what changed. 0; 1 for a regression where that is to fail; 2 for records that cannot be read, and for
/// machines that are not alike.
///
/// # Errors
/// [`CommandError`]: a record that cannot be read, unlike machines, stdout that cannot be written.
pub fn run(args: &CompareArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let paths: Vec<&Path> =
        std::iter::once(args.old.as_path()).chain(args.new.iter().map(|it| it.as_path())).collect();
    let records: Vec<Report> = paths.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let files: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let sources: Vec<Source<'_>> =
        files.iter().zip(&records).map(|(file, report)| Source { file, report }).collect();
    let unlike = analyze::unlike(&sources);
    if !unlike.is_empty() && !args.allow_unlike {
        return Err(refused(&unlike, &files));
    }
    let tool = Tool { name: "contain-test".into(), version: env!("CARGO_PKG_VERSION").into() };
    let seed = args.seed.unwrap_or(records[0].seed);
    let comparison = analyze::compare(&sources, &tool, seed);
    let view = ViewOptions {
        color: terminal.stdout_color,
        width: usize::from(terminal.width()),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let people = |text: String| if ci::on_github() { ci::disarmed(&text) } else { text };
    terminal.result(&match args.format {
        CompareFormat::Table => people(comparison_table(&comparison, &view)),
        CompareFormat::Json => comparison_json(&comparison),
        CompareFormat::Markdown => people(comparison_markdown(&comparison)),
    })?;
    let failed = args.fail_on_regression && comparison.regression;
    Ok(if failed { exit_code::EXPECTATION_NOT_MET } else { exit_code::OK })
}

/// What differs, one thing a line.
fn refused(unlike: &[Unlike], files: &[String]) -> CommandError {
    let lines: Vec<String> = unlike
        .iter()
        .map(|it| {
            let file = files.get(it.record).map_or("", String::as_str);
            let line = format!(
                "{} of machine {}: {} in {}, {} in {file}",
                it.what, it.machine, it.old, files[0], it.new
            );
            format!("\n  {}", escaped(&line))
        })
        .collect();
    CommandError::Usage {
        message: format!("these records are of unlike machines:{}", lines.concat()),
        help: "measure both on one machine, or compare them all the same with --allow-unlike"
            .into(),
    }
}
