//! What changed from one record to others: a document of its own, made by `compare`.

use serde::Serialize;

use super::{Ceiling, CeilingLevel, Interval, Machine, Tool, Verdict};
use crate::scenario::Resource;

/// The value of `schema` in every comparison.
pub const COMPARISON_SCHEMA: &str = "contain-test/comparison";

/// The version of the comparison's format; it grows when a field changes its meaning or goes away.
pub const COMPARISON_VERSION: u32 = 1;

/// Records beside each other: the first is what the others are compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Always [`COMPARISON_SCHEMA`].
    pub schema: &'static str,
    /// Always [`COMPARISON_VERSION`].
    pub schema_version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// Fixes the intervals.
    pub seed: u64,
    /// The records, OLD first.
    pub records: Vec<Compared>,
    /// In what the machines differ. Empty unless unlike machines were allowed.
    pub unlike: Vec<Unlike>,
    /// Every case, in the order in which the records have them.
    pub cases: Vec<CaseBeside>,
    /// A cell of one of the later records beside the same cell of OLD; one that only one of the two has counts too.
    pub cells: Vec<CellChange>,
    /// Cases whose verdict is another, or that only one of the two has.
    pub verdicts: Vec<VerdictChange>,
    /// Limits that were raised, lowered, set, removed, or that are kept no longer, or again.
    pub ceilings: Vec<CeilingChange>,
    /// Expectations that are met no longer, or again, or that are others.
    pub expectations: Vec<ExpectationChange>,
    /// Cases that were run in another way, so that their cells cannot be compared.
    pub setups: Vec<SetupChange>,
    /// True when anything became worse: a cell, a verdict, a ceiling or an expectation.
    pub regression: bool,
}

/// One of the records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The file as given.
    pub file: String,
    /// The program that measured.
    pub tool: Tool,
    /// The run's ID.
    pub run_id: String,
    /// When the run began, in milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// The kernels that cases ran on.
    pub machines: Vec<MachineFacts>,
}

/// What machines must have in common to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineFacts {
    /// The machine's ID in its record.
    pub id: String,
    /// Kernel release.
    pub kernel: String,
    /// Architecture.
    pub arch: String,
    /// How cgroups are mounted.
    pub cgroup: Option<super::CgroupMode>,
    /// Online CPUs.
    pub cpus: u32,
    /// Total memory, in bytes.
    pub memory_bytes: u64,
}

impl From<&Machine> for MachineFacts {
    fn from(machine: &Machine) -> Self {
        Self {
            id: machine.id.clone(),
            kernel: machine.kernel.clone(),
            arch: machine.arch.clone(),
            cgroup: machine.cgroup,
            cpus: machine.cpus,
            memory_bytes: machine.memory_bytes,
        }
    }
}

/// One thing in which a machine of a later record differs from that of OLD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlike {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The machine's ID.
    pub machine: String,
    /// `kernel`, `arch`, `cgroup`, `cpus` or `memory_bytes`.
    pub what: &'static str,
    /// What OLD says.
    pub old: String,
    /// What the later record says.
    pub new: String,
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The victim suffers more.
    Worse,
    /// The victim suffers less.
    Better,
    /// The difference lies within what the probe's tolerance calls noise.
    Unchanged,
    /// Neither can be said.
    Undecided,
}

impl Change {
    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Unchanged => "unchanged",
            Self::Undecided => "undecided",
        }
    }
}

/// Where a case stands in every record: scenario, config, machine and runtime.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CasePlace {
    /// The scenario's name.
    pub scenario: String,
    /// The config's name.
    pub config: String,
    /// The machine's ID.
    pub machine: String,
    /// The runtime.
    pub runtime: String,
}

/// One case in all records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseBeside {
    /// The case; the machine is that of the first later record that has it.
    #[serde(flatten)]
    pub place: CasePlace,
    /// What each record says of it, OLD first; null where a record does not have it.
    pub seen: Vec<Option<CaseSeen>>,
}

/// What one record says of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseSeen {
    /// The verdict.
    pub verdict: Verdict,
    /// The judged cell that suffered most; null where none is judged.
    pub effect: Option<CellEffect>,
    /// The ceiling of the attacker's own resource.
    pub ceiling: Option<Ceiling>,
    /// Which way it went since OLD, by its verdict, cells, ceilings and expectations together: worse where anything is; null for OLD.
    pub change: Option<Change>,
}

/// One probe under one attack, in OLD and in a later record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellChange {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The case.
    #[serde(flatten)]
    pub place: CasePlace,
    /// The probe's resource.
    pub resource: Resource,
    /// The probe.
    pub probe: String,
    /// Which way it went.
    pub change: Change,
    /// Why, in one sentence without a full stop.
    pub why: String,
    /// The share by which two measurements of the same thing may differ: 0.25 is 25 %.
    pub tolerance: f64,
    /// What OLD says; null where it does not have the cell.
    pub old: Option<CellEffect>,
    /// What the later record says; null where it does not have the cell.
    pub new: Option<CellEffect>,
    /// The metrics that decided, or all of them where none did.
    pub metrics: Vec<MetricChange>,
}

/// What one record says of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellEffect {
    /// The verdict; null for a cell nobody judged.
    pub verdict: Option<Verdict>,
    /// The resource through which the effect came.
    pub via: Option<Resource>,
    /// How many times as long under attack by the worst metric; null when nothing was measured.
    pub times: Option<f64>,
    /// The share of operations that failed under attack.
    pub failed: f64,
}

/// One metric of a cell in both records: how many times as long an operation took under attack, not clipped at 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MetricChange {
    /// `rate`, `p50`, `mean` or `failures`. For failures the two are shares of operations.
    pub metric: &'static str,
    /// In OLD, with its interval over pairs.
    pub old: Interval,
    /// In the later record.
    pub new: Interval,
    /// The later one as a multiple of the old one, with the interval that both intervals leave open; for failures the difference of the
    /// shares.
    pub difference: Interval,
    /// Which way this metric went.
    pub change: Change,
}

/// A verdict that is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictChange {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The case.
    #[serde(flatten)]
    pub place: CasePlace,
    /// In OLD; null where it does not have the case.
    pub old: Option<Verdict>,
    /// In the later record; null where it does not have the case.
    pub new: Option<Verdict>,
    /// Which way it went.
    pub change: Change,
}

/// What happened to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitMove {
    /// It allows more than before.
    Raised,
    /// It allows less than before.
    Lowered,
    /// There was none before.
    Set,
    /// There is none any more.
    Removed,
    /// It is the same.
    Same,
}

impl LimitMove {
    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Lowered => "lowered",
            Self::Set => "set",
            Self::Removed => "removed",
            Self::Same => "same",
        }
    }
}

/// A limit that moved, or whose ceiling held before and does not now, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CeilingChange {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The case.
    #[serde(flatten)]
    pub place: CasePlace,
    /// Whose limit: `attacker` or `victim`.
    pub whose: &'static str,
    /// The limit: the kernel's file where it has a ceiling, else the record's field.
    pub limit: String,
    /// Whether it allows more or less than before.
    pub moved: LimitMove,
    /// In OLD, as a number in the knob's unit or as written; null where it had none.
    pub old: Option<String>,
    /// In the later record; null where it has none.
    pub new: Option<String>,
    /// Whether it held in OLD; null where there is no ceiling.
    pub kept_old: Option<bool>,
    /// Whether it held in the later record.
    pub kept_new: Option<bool>,
    /// Whose limit it was in OLD.
    pub level_old: Option<CeilingLevel>,
    /// Whose limit it was in the later record.
    pub level_new: Option<CeilingLevel>,
    /// `worse` where it held and does not any more, `better` the other way round; a limit that only moved is `undecided`: what that
    /// does is told by cells and verdicts.
    pub change: Change,
}

/// An expectation that is met no longer, or again, or that is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExpectationChange {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The case.
    #[serde(flatten)]
    pub place: CasePlace,
    /// What it speaks of.
    pub target: String,
    /// What OLD expects; null where it expects nothing of it.
    pub old_expected: Option<String>,
    /// What the later record expects.
    pub new_expected: Option<String>,
    /// Whether it was met in OLD.
    pub old_met: Option<bool>,
    /// Whether it is met in the later record.
    pub new_met: Option<bool>,
    /// Which way it went.
    pub change: Change,
}

/// A case that was run in another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupChange {
    /// The later record, as an index of `records`.
    pub record: usize,
    /// The case.
    #[serde(flatten)]
    pub place: CasePlace,
    /// The field of the case that differs.
    pub what: &'static str,
    /// In OLD.
    pub old: String,
    /// In the later record.
    pub new: String,
}
