//! What a scenario expects of verdicts and asserts of facts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, Position, Resource};

/// One line of `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What is judged.
    pub target: Target,
    /// Any of these meets it.
    pub any_of: Vec<ExpectedWord>,
    /// Where it holds only on some machines; on others it is skipped.
    pub when: Option<Condition>,
    /// Where it stands in the file.
    pub position: Position,
}

/// What an expectation speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The attacker's own resource, hence the verdict of the case.
    Own,
    /// A named resource, or one probe of it (`resource/probe`).
    Named(Resource, Option<String>),
}

/// The words that `expect` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExpectedWord {
    /// The limit held, the neighbour is fine, and the open attack hurts.
    Contained,
    /// The umbrella: breached, degraded, denied or lost.
    Leaks,
    /// The limit itself did not hold.
    Breached,
    /// The victim was slower beyond tolerance.
    Degraded,
    /// The victim's operations failed, or it died.
    Denied,
    /// The node or machine went down.
    Lost,
    /// An open attack that does not hurt.
    Harmless,
    /// A limited config that looks contained while the open attack is harmless too.
    Vacuous,
    /// Nothing of others can be seen.
    Hidden,
    /// Something of others can be seen, and not reached.
    Visible,
    /// Something of others can be reached.
    Reachable,
}

impl ExpectedWord {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Contained,
        Self::Leaks,
        Self::Breached,
        Self::Degraded,
        Self::Denied,
        Self::Lost,
        Self::Harmless,
        Self::Vacuous,
        Self::Hidden,
        Self::Visible,
        Self::Reachable,
    ];

    /// Whether a look around (`looks`), or an attack, can come to this verdict. Either may lose its guest.
    #[must_use]
    pub const fn speaks_of(self, looks: bool) -> bool {
        match self {
            Self::Hidden | Self::Visible | Self::Reachable => looks,
            Self::Lost => true,
            _ => !looks,
        }
    }

    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contained => "contained",
            Self::Leaks => "leaks",
            Self::Breached => "breached",
            Self::Degraded => "degraded",
            Self::Denied => "denied",
            Self::Lost => "lost",
            Self::Harmless => "harmless",
            Self::Vacuous => "vacuous",
            Self::Hidden => "hidden",
            Self::Visible => "visible",
            Self::Reachable => "reachable",
        }
    }
}

/// One line of `assert`: a fact and the value it must have, such as `inside.pid == 1` or `not inside.sees_outside`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Which fact of the attacker's sandbox.
    pub fact: FactName,
    /// True when the fact must equal the value, false when it must differ.
    pub equals: bool,
    /// The value compared with.
    pub value: FactValue,
    /// The line as written, for messages.
    pub text: String,
    /// Where it stands in the file.
    pub position: Position,
}

/// The facts that can be asserted; they are measured on the attacker's sandbox.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum FactName {
    /// `ceiling.count`: what the kernel's counter of the own resource's limit says, such as refusals or OOM kills.
    #[serde(rename = "ceiling.count")]
    CeilingCount,
    /// `inside.pid`: the process ID of the sandbox's first process as it sees itself.
    #[serde(rename = "inside.pid")]
    InsidePid,
    /// `outside.oom_kills`: processes of the sandbox that the OOM killer took, by the kernel's counter.
    #[serde(rename = "outside.oom_kills")]
    OomKills,
    /// `victim.oom_kills`: processes of the victim's sandbox that the OOM killer took, by the kernel's counter.
    #[serde(rename = "victim.oom_kills")]
    VictimOomKills,
    /// `outside.pid`: the process ID of the same process as the host sees it.
    #[serde(rename = "outside.pid")]
    OutsidePid,
    /// `outside.sees_inside`: the host finds the sandbox's first process in its own `/proc`.
    #[serde(rename = "outside.sees_inside")]
    OutsideSeesInside,
    /// `inside.sees_outside`: the sandbox finds a process of the host in its `/proc`.
    #[serde(rename = "inside.sees_outside")]
    InsideSeesOutside,
    /// `pod.restarts`: how often sidecars were started again.
    #[serde(rename = "pod.restarts")]
    PodRestarts,
    /// `pod.kept`: each sidecar that was started again found the network and IPC namespace of the start before, and so its address,
    /// ports and shared memory; only known after a restart.
    #[serde(rename = "pod.kept")]
    PodKept,
}

impl FactName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CeilingCount,
        Self::InsidePid,
        Self::OomKills,
        Self::VictimOomKills,
        Self::OutsidePid,
        Self::OutsideSeesInside,
        Self::InsideSeesOutside,
        Self::PodRestarts,
        Self::PodKept,
    ];

    /// The word used in files and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CeilingCount => "ceiling.count",
            Self::InsidePid => "inside.pid",
            Self::OomKills => "outside.oom_kills",
            Self::VictimOomKills => "victim.oom_kills",
            Self::OutsidePid => "outside.pid",
            Self::OutsideSeesInside => "outside.sees_inside",
            Self::InsideSeesOutside => "inside.sees_outside",
            Self::PodRestarts => "pod.restarts",
            Self::PodKept => "pod.kept",
        }
    }

    /// True for facts that are yes or no, false for facts that are numbers.
    #[must_use]
    pub const fn is_flag(self) -> bool {
        matches!(self, Self::OutsideSeesInside | Self::InsideSeesOutside | Self::PodKept)
    }
}

/// The value of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(u64),
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
