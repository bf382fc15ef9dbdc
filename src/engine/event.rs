//! What the engine says while it works. The engine never prints: views are made from these events.

use serde::{Deserialize, Serialize};

use crate::record::{Accelerator, BlockMode, BlockState, Verdict};
use crate::scenario::CgroupMode;

/// One thing that happened. As JSON Lines: one object a line, tagged `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins; from here on names with this ID may exist on the machine.
    RunStarted {
        /// The run's ID.
        run_id: String,
        /// The seed of every random choice.
        seed: u64,
        /// How many cases there are in all, controls included.
        cases: usize,
    },
    /// A throwaway guest is started.
    GuestStarted {
        /// The machine's ID.
        machine: String,
        /// The file of its kernel.
        kernel: String,
        /// How its cgroups will be mounted.
        cgroup: CgroupMode,
        /// How its CPUs are run.
        accelerator: Accelerator,
    },
    /// A guest is up: its init runs.
    GuestReady {
        /// The machine's ID.
        machine: String,
        /// Since it was started, in milliseconds.
        took_ms: f64,
    },
    /// A guest was lost, or never came up.
    GuestLost {
        /// The machine's ID.
        machine: String,
        /// How, in a sentence.
        reason: String,
    },
    /// A scenario begins, or those of its cases that belong to the next machine.
    ScenarioStarted {
        /// Its name.
        scenario: String,
        /// Its file.
        file: String,
        /// How many cases it has, controls included.
        cases: usize,
    },
    /// A case begins.
    CaseStarted {
        /// The scenario's name.
        scenario: String,
        /// The config's name.
        config: String,
        /// The workload's name.
        attacker: String,
    },
    /// A case enters a phase.
    PhaseStarted {
        /// The config's name.
        config: String,
        /// Which phase.
        phase: Phase,
    },
    /// The attack has reached its hold state, or has been taken back and the node is quiet again.
    AttackChanged {
        /// The config's name.
        config: String,
        /// `on` when it holds, `off` when the node is quiet.
        state: BlockState,
        /// How long the change took, in milliseconds.
        took_ms: f64,
    },
    /// A block begins.
    BlockStarted {
        /// The config's name.
        config: String,
        /// Off or on.
        state: BlockState,
        /// Latency or capacity.
        mode: BlockMode,
        /// Blocks done before this one, in this case.
        done: u32,
        /// Blocks planned for this case; fewer when an open case stops early.
        planned: u32,
    },
    /// A block ended.
    BlockFinished {
        /// The config's name.
        config: String,
        /// Off or on.
        state: BlockState,
        /// Latency or capacity.
        mode: BlockMode,
        /// Operations that failed in it, all probes together.
        failures: u64,
    },
    /// A case is over and judged.
    CaseFinished {
        /// The scenario's name.
        scenario: String,
        /// The config's name.
        config: String,
        /// The verdict.
        verdict: Verdict,
        /// Why, in a sentence.
        reason: String,
    },
    /// Something the reader should know that is no verdict.
    Warning {
        /// What, and the remedy.
        message: String,
    },
    /// The run is over, clean-up included.
    RunFinished {
        /// False when it was stopped before its last case.
        complete: bool,
        /// The exit code.
        exit_code: u8,
    },
}

/// The phases of a case, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Node, sandboxes, watcher.
    SetUp,
    /// Probes calibrated on the quiet node.
    WarmUp,
    /// Pairs of blocks, off and on.
    Blocks,
    /// The attack has ended; the victim is watched until it is well again.
    Recovery,
    /// Sandboxes and node are taken down.
    TearDown,
    /// What did not come back is looked for.
    ResidueCheck,
}

impl Phase {
    /// The word used in events and on the terminal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::WarmUp => "warm-up",
            Self::Blocks => "blocks",
            Self::Recovery => "recovery",
            Self::TearDown => "tear-down",
            Self::ResidueCheck => "residue-check",
        }
    }
}
