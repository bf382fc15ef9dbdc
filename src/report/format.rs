//! The formats of a record, and the one place that chooses between them.

use std::str::FromStr;

use super::json::to_json;
use super::junit::render_junit;
use super::markdown::render_markdown;
use super::style::Style;
use super::summary::render_summary;
use super::table::render_table;
use crate::record::Report;

/// How a record is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, on a terminal.
    #[default]
    Table,
    /// The record itself.
    Json,
    /// GitHub Markdown.
    Markdown,
    /// JUnit XML.
    Junit,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Table, Self::Json, Self::Markdown, Self::Junit];

    /// The word used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == word).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("unknown format `{}`: known are {known}", word.escape_debug())
        })
    }
}

/// How the table looks. Other formats are the same whatever the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewOptions {
    /// Colours by ANSI escape codes; without, no escape code is written at all.
    pub color: bool,
    /// Columns of the terminal; tables never grow beyond 100, and never shrink below 60.
    pub width: usize,
    /// Only the summary line.
    pub quiet: bool,
    /// Every cell with its intervals, below each table.
    pub verbose: bool,
}

impl Default for ViewOptions {
    fn default() -> Self {
        Self { color: false, width: 100, quiet: false, verbose: false }
    }
}

/// The record in the chosen format, with a newline at the end.
#[must_use]
pub fn render(report: &Report, format: Format, options: &ViewOptions) -> String {
    match format {
        Format::Json => to_json(report),
        Format::Markdown => render_markdown(report),
        Format::Junit => render_junit(report),
        Format::Table if options.quiet => render_summary(report, Style { color: options.color }),
        Format::Table => render_table(report, options),
    }
}
