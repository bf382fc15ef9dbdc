//! What GitHub Actions gets besides the result: annotations beside the lines of a scenario, and Markdown in the summary of the step.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::terminal::Terminal;
use crate::record::Report;
use crate::report::{self, Format, STEP_SUMMARY_BYTES, render_step_summary};

/// What is to be written, decided before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    /// Annotations go to stderr, because stdout has the result; the runner reads both.
    annotate: bool,
    /// The file of the step's summary.
    summary: Option<PathBuf>,
}

impl Ci {
    /// For a command whose stdout has `format`. `automatic` is true where the runner gets its due without being asked for.
    #[must_use]
    pub fn new(format: Format, automatic: bool, off: bool) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self::decide(
            format,
            automatic && on_github(),
            off,
            set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        )
    }

    fn decide(format: Format, automatic: bool, off: bool, summary: Option<PathBuf>) -> Self {
        let asked = format == Format::Github;
        Self {
            annotate: automatic && !off && !asked,
            summary: summary.filter(|_| !off && (automatic || asked)),
        }
    }

    /// Writes it. The summary that cannot be written is a warning: the result is elsewhere, too.
    pub fn tell(&self, report: &Report, terminal: &Terminal) {
        if self.annotate {
            terminal.note(report::render_github(report).trim_end());
        }
        if let Some(path) = &self.summary
            && let Err(error) = append(path, report)
        {
            let path = report::escaped(&path.display().to_string()).into_owned();
            terminal.warning(&format!("cannot write the summary of the step to {path}: {error}"));
        }
    }
}

/// True on a runner of GitHub Actions, which reads commands from what is printed.
pub fn on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").as_deref() == Some(OsStr::new("true"))
}

/// What else is in the file counts towards what it may hold.
fn append(path: &Path, report: &Report) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(metadata) => usize::try_from(metadata.len()).unwrap_or(usize::MAX),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let text = render_step_summary(report, STEP_SUMMARY_BYTES.saturating_sub(there));
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

/// A text for people in which no line is a command to the runner, whatever a name of a record holds.
#[must_use]
pub fn disarmed(text: &str) -> String {
    let safe = |line: &str| match line.trim_start().starts_with("::") || line.contains("##[") {
        true => line.replace("::", ":\\:").replace("##[", "##\\["),
        false => line.to_owned(),
    };
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_gets_its_due_where_it_is_one_and_nobody_minds() {
        let file = || Some(PathBuf::from("summary"));
        let of = |format, automatic, off| {
            let ci = Ci::decide(format, automatic, off, file());
            (ci.annotate, ci.summary.is_some())
        };
        assert_eq!(of(Format::Table, true, false), (true, true));
        assert_eq!(of(Format::Json, true, false), (true, true));
        assert_eq!(of(Format::Github, true, false), (false, true), "stdout has them");
        assert_eq!(of(Format::Github, false, false), (false, true), "asked for");
        assert_eq!(of(Format::Table, true, true), (false, false));
        assert_eq!(of(Format::Github, true, true), (false, false));
        assert_eq!(of(Format::Table, false, false), (false, false));
    }

    #[test]
    fn no_line_is_a_command() {
        assert_eq!(
            disarmed("a::b\n  ::error::x\n##[group]y\n"),
            "a::b\n  :\\:error:\\:x\n##\\[group]y\n"
        );
    }
}
