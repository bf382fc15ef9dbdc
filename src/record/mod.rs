//! The record: one document that holds everything a run measured and judged, and nothing that a view has to compute.
//!
//! Units are in the names. Raw histograms are kept, so that an old record can be judged again. Fields are only ever
//! added within one `schema_version`.

mod ablation;
mod block;
mod case;
mod ceiling;
mod cell;
mod channels;
mod comparison;
mod describe;
mod guest;
mod histogram;
mod inspection;
mod machine;
mod oom_kills;
mod pressure;
mod schema;
mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::scenario::CgroupMode;
pub use ablation::{
    ABLATION_SCHEMA, ABLATION_VERSION, AblatedConfig, AblationReport, Effect, SwitchedOff, Turned,
};
pub use block::{Block, BlockMode, BlockState, ProbeSample};
pub use case::{
    Attack, Case, CasePod, CaseSidecar, Expected, NodeDisk, Placebo, SidecarState, Stop, Watch,
};
pub use ceiling::{Ceiling, CeilingLevel, WITH_SWAP};
pub use cell::{Beside, Cell, CellKind, Interval, LatencyGrowth, LatencyImpact, QuietSample};
pub use channels::{Canary, ChannelClass, Channels};
pub use comparison::{
    COMPARISON_SCHEMA, COMPARISON_VERSION, CaseBeside, CasePlace, CaseSeen, CeilingChange,
    CellChange, CellEffect, Change, Compared, Comparison, ExpectationChange, LimitMove,
    MachineFacts, MetricChange, SetupChange, Unlike, VerdictChange,
};
pub use describe::{
    below_floor_us, describe_ceiling, describe_cell, failure_sum, grouped, slowdown,
};
pub use guest::{Accelerator, BootTimes, Guest, GuestHost};
pub use histogram::{histogram_count, histogram_mean, histogram_quantile};
pub use inspection::{
    Amount, CapabilitySets, GroupLimit, INSPECTION_SCHEMA, INSPECTION_VERSION, IdMapping, Ids,
    Inspected, Inspection, InterfaceVersion, Membership, Rlimit, RuntimeGuess, Seccomp, Shared,
};
pub use machine::{Machine, MachineKind, Requirement, Rootless};
pub use oom_kills::OomKills;
pub use pressure::{Pressure, Stall};
pub use schema::{RECORD_SCHEMA_ID, record_schema};
pub use verdict::{Outcome, Verdict};

/// The value of `schema` in every record.
pub const SCHEMA: &str = "contain-test/report";

/// The version of the record's format; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Always [`SCHEMA_VERSION`] for records written by this version.
    pub schema_version: u32,
    /// The program that measured.
    pub tool: Tool,
    /// The run's ID: the last part of every name that the run puts on the machine.
    pub run_id: String,
    /// The seed of every random choice of the run (bootstrap, phases).
    pub seed: u64,
    /// When the run began, in milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// False when the run was stopped before its last case.
    pub complete: bool,
    /// What the reader must know that is no verdict, such as another run at the same time.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Every change made to the machine for the run as a whole, in its order; those of a case are with the case.
    #[serde(default)]
    pub steps: Vec<String>,
    /// The same for taking all of it back.
    #[serde(default)]
    pub tear_down: Vec<String>,
    /// The kernels that cases ran on.
    pub machines: Vec<Machine>,
    /// What was run.
    pub scenarios: Vec<ScenarioRecord>,
    /// What clean-up did.
    pub cleanup: Cleanup,
}

/// The program that made a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `contain-test`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One scenario of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// The scenario's name.
    pub name: String,
    /// One sentence for people.
    pub summary: Option<String>,
    /// The file it came from.
    pub file: String,
    /// Its cases, controls included, in the order they were run.
    pub cases: Vec<Case>,
}

/// What clean-up did at the end of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cleanup {
    /// True when everything that the run made is gone again.
    pub complete: bool,
    /// What could not be removed, and why.
    pub failures: Vec<String>,
}
