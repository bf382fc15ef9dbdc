//! Which control stops which leak: a document of its own, made by `ablate` from a record.

use serde::Serialize;

use super::{Tool, Verdict};
use crate::scenario::{Ablation, LeftOn};

/// The value of `schema` in every such document.
pub const ABLATION_SCHEMA: &str = "contain-test/ablation";

/// The version of its format; it grows when a field changes its meaning or goes away.
pub const ABLATION_VERSION: u32 = 1;

/// Limited configs beside themselves with one control less.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AblationReport {
    /// Always [`ABLATION_SCHEMA`].
    pub schema: &'static str,
    /// Always [`ABLATION_VERSION`].
    pub schema_version: u32,
    /// The program that measured.
    pub tool: Tool,
    /// The run's ID, as in its record.
    pub run_id: String,
    /// The seed of every random choice of the run.
    pub seed: u64,
    /// False when the run was stopped before its last case.
    pub complete: bool,
    /// The limited configs, in the order of the run.
    pub configs: Vec<AblatedConfig>,
}

/// A limited config, and what becomes of it without each of its controls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AblatedConfig {
    /// Its scenario.
    pub scenario: String,
    /// Its name.
    pub config: String,
    /// ID of the machine.
    pub machine: String,
    /// Its verdict with all controls.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The verdict of its open case; null where none ran.
    pub open: Option<Verdict>,
    /// Each control that was switched off.
    pub controls: Vec<SwitchedOff>,
    /// Controls that were not, and why.
    pub left_on: Vec<LeftOn>,
}

/// What a control changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Something leaks without it that does not leak with it.
    Stops,
    /// Something leaks with it that does not leak without it.
    Causes,
    /// A verdict is another, and none of the two is a leak; or one leak is another.
    Changes,
    /// Nothing.
    Nothing,
    /// One of the two cases has no answer: skipped, an error, or inconclusive.
    Unknown,
}

impl Effect {
    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stops => "stops",
            Self::Causes => "causes",
            Self::Changes => "changes",
            Self::Nothing => "nothing",
            Self::Unknown => "unknown",
        }
    }
}

/// A config without one control.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwitchedOff {
    /// Which control, and its two values.
    #[serde(flatten)]
    pub ablation: Ablation,
    /// The name of the case in the record.
    pub config: String,
    /// What the control changes.
    pub effect: Effect,
    /// The verdict without it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The judged cells whose verdict is another without it.
    pub turned: Vec<Turned>,
}

/// A cell whose verdict is another without a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turned {
    /// The probe.
    pub probe: String,
    /// Its verdict with the control.
    pub with: Verdict,
    /// Its verdict without it.
    pub without: Verdict,
}
