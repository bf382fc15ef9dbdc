//! The formats of a record, and the one place that chooses between them.

use std::str::FromStr;

use super::csv::render_csv;
use super::github::render_github;
use super::html::render_html;
use super::json::to_json;
use super::jsonl::render_jsonl;
use super::junit::render_junit;
use super::markdown::render_markdown;
use super::prometheus::render_prometheus;
use super::sarif::render_sarif;
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
    /// One page for browsers, with charts.
    Html,
    /// GitHub Markdown.
    Markdown,
    /// JUnit XML.
    Junit,
    /// SARIF, for code scanning.
    Sarif,
    /// A table of all cells for spreadsheets.
    Csv,
    /// The text format of Prometheus.
    Prometheus,
    /// One JSON object a line: the run, its machines, cases and cells.
    Jsonl,
    /// Workflow commands of GitHub Actions.
    Github,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Table,
        Self::Json,
        Self::Html,
        Self::Markdown,
        Self::Junit,
        Self::Sarif,
        Self::Csv,
        Self::Prometheus,
        Self::Jsonl,
        Self::Github,
    ];

    /// The word used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Csv => "csv",
            Self::Prometheus => "prometheus",
            Self::Jsonl => "jsonl",
            Self::Github => "github",
        }
    }

    /// What it is, in a few words for the help text.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Table => "For people: what leaks first, then a table for each scenario",
            Self::Json => "The record: one JSON document",
            Self::Html => "One page for browsers, with charts; needs nothing besides itself",
            Self::Markdown => "Tables in GitHub Markdown",
            Self::Junit => "JUnit XML: a suite for each scenario",
            Self::Sarif => "SARIF 2.1.0: a result for each unmet expectation",
            Self::Csv => "A line for each cell, with a header",
            Self::Prometheus => "Metrics for the textfile collector of a node exporter",
            Self::Jsonl => "One JSON object a line; with `run --format`, events as they happen",
            Self::Github => "Annotations for GitHub Actions",
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
    /// Columns of the terminal; tables never grow beyond 100, and never shrink below 40.
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
        Format::Table if options.quiet => render_summary(report, Style { color: options.color }),
        Format::Table => render_table(report, options),
        Format::Json => to_json(report),
        Format::Html => render_html(report),
        Format::Markdown => render_markdown(report),
        Format::Junit => render_junit(report),
        Format::Sarif => render_sarif(report),
        Format::Csv => render_csv(report),
        Format::Prometheus => render_prometheus(report),
        Format::Jsonl => render_jsonl(report),
        Format::Github => render_github(report),
    }
}
