//! Where the commands meet the rooms that do the work: each function here is one call into one room.

use std::path::Path;

use serde::Serialize;

use crate::engine::Event;
use crate::record::Report;
use crate::scenario::{Position, Resource, Scenario};

/// A shipped scenario.
#[derive(Debug, Clone, Serialize)]
pub struct ShippedScenario {
    /// The name that `run` and `check` take.
    pub name: String,
    /// One sentence.
    pub summary: String,
}

/// A probe.
#[derive(Debug, Clone, Serialize)]
pub struct ProbeLine {
    /// `resource/operation`.
    pub name: String,
    /// The resource it measures.
    pub resource: Resource,
    /// One line.
    pub summary: String,
}

/// One error of one file.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The file, as given.
    pub file: String,
    /// Where in it.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
}

/// Every error of every file.
#[derive(Debug, thiserror::Error)]
#[error("{}", diagnostics.iter().map(|it| format!("error: {}\n  --> {}", it.message, it.file)).collect::<Vec<_>>().join("\n"))]
pub struct ScenarioErrors {
    /// In the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// The engine could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(String);

/// What the engine is told besides the scenarios.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// Seed of every random choice; the engine takes one when absent.
    pub seed: Option<u64>,
}

/// What the exit code depends on besides the report.
#[derive(Debug, Clone, Copy)]
pub struct ExitPolicy {
    /// `--must-run`.
    pub must_run: bool,
    /// `--allow-inconclusive`.
    pub allow_inconclusive: bool,
}

/// Views of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFormat {
    /// For people.
    Table,
    /// The record itself.
    Json,
}

/// How a view is laid out.
#[derive(Debug, Clone, Copy)]
pub struct ViewOptions {
    /// Whether escape sequences may be used.
    pub color: bool,
    /// Columns that a table may take.
    pub width: u16,
}

/// What `clean` did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cleaned {
    /// What was removed.
    pub removed: Vec<String>,
    /// What could not be removed, and why.
    pub failures: Vec<String>,
}

/// WIRE: `scenario::load_all(paths)`.
pub fn load_all(paths: &[String]) -> Result<Vec<Scenario>, ScenarioErrors> {
    let diagnostics = paths.iter().map(|path| Diagnostic {
        file: path.clone(),
        position: None,
        message: if Path::new(path).exists() {
            "the scenario loader is not wired".to_owned()
        } else {
            format!("no file, folder or shipped scenario is named `{path}`")
        },
        help: Some("`contain-test list` shows the shipped scenarios".to_owned()),
    });
    Err(ScenarioErrors { diagnostics: diagnostics.collect() })
}

/// WIRE: the scenarios embedded in the binary.
pub fn shipped_scenarios() -> Vec<ShippedScenario> {
    Vec::new()
}

/// WIRE: the victim's probes.
pub fn probes() -> Vec<ProbeLine> {
    Vec::new()
}

/// WIRE: `engine::run(scenarios, options, on_event)`.
pub fn run(
    _scenarios: Vec<Scenario>,
    options: &RunOptions,
    _on_event: &mut dyn FnMut(&Event),
) -> Result<Report, EngineError> {
    Err(EngineError(format!("the engine is not wired (seed {:?})", options.seed)))
}

/// WIRE: `report::render(report, format, view)`.
pub fn render(_report: &Report, _format: RecordFormat, view: &ViewOptions) -> String {
    format!("not wired: {view:?} {} {}", view.color, view.width)
}

/// WIRE: `analyze::exit_verdict(report, policy)`.
pub fn exit_verdict(_report: &Report, policy: &ExitPolicy) -> u8 {
    if policy.must_run || !policy.allow_inconclusive {
        super::exit_code::CANNOT_RUN
    } else {
        super::exit_code::HARNESS_ERROR
    }
}

/// WIRE: `engine::clean()`.
pub fn clean() -> Result<Cleaned, EngineError> {
    Err(EngineError("the cleaner is not wired".to_owned()))
}
