//! Orders and replies between the harness and what runs in a sandbox: one JSON object a line, over any byte stream.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::sight::{Attempt, Look, Planted, Sighting};

/// What the harness asks of a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Attacker: start the workload and answer [`Reply::Holding`] once it has reached its hold state.
    Start,
    /// Attacker: instead of the workload, burn CPU with this many tasks, each at a time of its own within the period, and
    /// answer [`Reply::Holding`]. [`Order::Stop`] ends it like the workload.
    Placebo {
        /// Tasks that burn.
        tasks: u64,
        /// How each of them burns.
        burst: Burst,
    },
    /// Attacker: kill every worker, reap them all, then answer [`Reply::Stopped`].
    Stop,
    /// Victim: measure what one operation of each probe costs on the quiet node.
    Calibrate {
        /// How long to look at each probe, in milliseconds.
        duration_ms: u64,
    },
    /// Victim: run one block.
    Measure(Measure),
    /// Either: tell what can be seen from inside.
    Facts {
        /// A word in the command line of a process of the host that does not run in this sandbox.
        token: String,
    },
    /// Victim: plant what an attacker that looks around is to look for, under names with this word, and answer [`Reply::Planted`].
    Plant {
        /// The run's ID.
        token: String,
    },
    /// Attacker: try to see and to reach what others have planted, once, and answer [`Reply::Looked`].
    Look(Box<Look>),
    /// Either: read every file below `/proc` and `/sys`, or hand over the texts of those that are named, and answer
    /// [`Reply::Surveyed`].
    Survey {
        /// The files, or none for all.
        texts: Vec<String>,
    },
    /// Victim: open so many files, lock one, hold all of them, and answer [`Reply::Held`].
    Hold {
        /// How many.
        files: u64,
        /// The one to lock.
        lock: PathBuf,
    },
    /// Either: end.
    Quit,
}

/// A load that comes in bursts: busy at the beginning of each period, idle for the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// CPU time burnt in each period, in microseconds.
    pub busy_us: u64,
    /// Length of a period, in microseconds.
    pub period_us: u64,
}

/// Where random numbers are taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RandomSource {
    /// getrandom(2) without flags.
    #[default]
    Getrandom,
    /// read(2) of `/dev/urandom`.
    Urandom,
    /// read(2) of `/dev/random`.
    Random,
}

/// One block of one victim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Length of the block, in milliseconds.
    pub duration_ms: u64,
    /// Which probes run, and how.
    pub probes: Vec<ProbeOrder>,
    /// Whether the time spent waiting for a CPU is read for each operation, which costs a few microseconds each.
    #[serde(default)]
    pub net: bool,
}

/// What one probe does in a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeOrder {
    /// `resource/operation`.
    pub probe: String,
    /// The schedule.
    pub pace: Pace,
    /// Test only: every operation takes longer by this factor (1.0 is twice as long). Ignored without the feature `inject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowdown: Option<f64>,
}

/// Open loop at a fixed rate, or closed loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Pace {
    /// Operations are due at `phase + n * period`; latency counts from then.
    Open {
        /// Time between two due times, in microseconds.
        period_us: u64,
        /// The first due time after the start of the block, in microseconds.
        phase_us: u64,
        /// An operation not done this long after its due time has failed, in microseconds.
        deadline_us: u64,
    },
    /// Operations follow each other without a pause.
    Closed,
}

/// For how long a probe is awake before each operation of an open loop, in microseconds, so that what it measures is not how
/// long an idle CPU takes to wake.
pub const AWAKE_US: u64 = 250;

/// What a sandbox answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// The role runs; sent once, unasked.
    Ready {
        /// The process ID of the sandbox's first process as it sees itself.
        pid: u32,
    },
    /// Set-up inside the sandbox failed; sent instead of `Ready`.
    SetUpFailed {
        /// The step, printable.
        step: String,
        /// What went wrong, with the errno's name.
        error: String,
    },
    /// The attack has reached its hold state.
    Holding(Counts),
    /// Every worker is gone.
    Stopped(Counts),
    /// The probes' cost on the quiet node, in nanoseconds an operation, by probe name.
    Calibrated {
        /// Mean cost by probe name; a probe that never succeeded is absent.
        cost_ns: BTreeMap<String, u64>,
        /// Failures by probe and errno name.
        failures: BTreeMap<String, BTreeMap<String, u64>>,
    },
    /// What the probes saw in a block.
    Measured {
        /// One sample for each probe that ran.
        samples: Vec<Sample>,
    },
    /// What can be seen from inside.
    Facts {
        /// The process ID of the sandbox's first process as it sees itself.
        pid: u32,
        /// Whether the token was found in any command line below `/proc`.
        sees_token: bool,
        /// Process IDs listed below `/proc`.
        visible: u64,
    },
    /// What was planted.
    Planted(Box<Planted>),
    /// What was tried, and what came of it.
    Looked {
        /// One for each probe that had something to look for.
        sightings: Vec<Sighting>,
    },
    /// What was read.
    Surveyed {
        /// By path: `LENGTH:HASH` or an errno's name; of files that were named, their texts.
        files: BTreeMap<String, String>,
    },
    /// Everything is open and locked.
    Held {
        /// The inode of the locked file.
        inode: u64,
    },
    /// The order could not be carried out.
    Failed {
        /// What went wrong.
        error: String,
    },
}

/// What an attacker counted since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Operations that succeeded.
    pub operations: u64,
    /// Operations that were refused, by errno name.
    pub refusals: BTreeMap<String, u64>,
    /// The most it held at once, supervisor not included.
    pub peak: u64,
    /// What it holds now, supervisor not included.
    pub held: u64,
    /// Its workers that live now, supervisor not included.
    #[serde(default)]
    pub workers: u64,
    /// Workers killed from outside and started again.
    pub respawns: u64,
    /// True when the dose cap, not a refusal, ended its growth.
    pub at_dose_cap: bool,
    /// Workers that ended by a SIGKILL which was not their supervisor's: by the OOM killer's, as a rule.
    #[serde(default)]
    pub kills: u64,
    /// The most bytes it held at once, where it holds memory.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
}

/// What one probe saw in one block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// `resource/operation`.
    pub probe: String,
    /// Operations begun, or due and never begun because their deadline had passed.
    pub attempts: u64,
    /// Operations that succeeded in time.
    pub done: u64,
    /// Failures by errno name.
    pub failures: BTreeMap<String, u64>,
    /// How long the probe ran, in nanoseconds.
    pub elapsed_ns: u64,
    /// Sum of latencies of operations done, in nanoseconds.
    pub latency_sum_ns: u64,
    /// Latencies of operations done: value in nanoseconds and count.
    pub latency_ns: Vec<(u64, u64)>,
    /// Time that the probe and the children it waited for spent ready to run and without a CPU, in nanoseconds; absent
    /// where it was not asked for or the kernel does not tell.
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
    /// The probe's own part of that, children not included, in nanoseconds; absent only where the kernel does not tell.
    #[serde(default)]
    pub own_run_delay_ns: Option<u64>,
    /// Latencies less the wait for a CPU in each operation: value in nanoseconds and count.
    #[serde(default)]
    pub net_latency_ns: Vec<(u64, u64)>,
    /// True when the probe's process did not answer.
    pub missing: bool,
}
