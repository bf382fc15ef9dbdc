//! Cases and cells: one attacker under one config, and what it did to each resource of the victim.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Block, Channels, OomKills, Outcome, Pressure, Verdict};
use crate::scenario::{
    Ablation, Burst, Control, FactName, FactValue, Limits, MemorySpec, NodeSpec, Placement,
    PodSpec, Resource, Service, Trials, WorkloadKind,
};

/// One workload under one config on one machine and runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// The workload's name.
    pub attacker: String,
    /// Which kind of it, where it is not its usual one, such as `socket` for an eater of sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<WorkloadKind>,
    /// Its effort in percent.
    pub intensity: u8,
    /// How many threads burn, for workloads that have several.
    #[serde(default = "one")]
    pub threads: u64,
    /// The bursts of its load; null for a steady one.
    #[serde(default)]
    pub burst: Option<Burst>,
    /// The program and its arguments, for the workload that runs one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The service in the victim's sandbox, asked by a probe of its own; null without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The options that only this workload has, as the scenario spells them, such as `source`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// How it eats memory; absent for workloads that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemorySpec>,
    /// The resource it is judged on: the attacker's own.
    pub resource: Resource,
    /// Other resources that a sham is judged on as well, because it stands for cases of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stands_for: Vec<Resource>,
    /// The config's name.
    pub config: String,
    /// ID of the machine, see `machines[]`.
    pub machine: String,
    /// The runtime that started the sandboxes.
    pub runtime: String,
    /// `open` for a case without limits, `sham`, else null.
    pub control: Option<Control>,
    /// The control that the case goes without, where `ablate` has switched one off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<Ablation>,
    /// Which CPUs attacker and victim ran on.
    pub placement: Placement,
    /// How many CPUs attacker and victim both might use; null in older records, and where nothing ran.
    #[serde(default)]
    pub shared_cpus: Option<u32>,
    /// The node's capacity.
    pub node: NodeSpec,
    /// The node's disk as it was made; absent for a node without one, and where nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<NodeDisk>,
    /// The attacker's limits.
    pub limits: Limits,
    /// The victim's limits.
    pub victim_limits: Limits,
    /// The pods that sandboxes belong to; absent where none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<CasePod>,
    /// Programs that ran beside attacker and victim, and what became of them; absent without any, and where nothing ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<CaseSidecar>,
    /// The worst of the own resource's cells and the ceilings.
    pub verdict: Verdict,
    /// Why: one or two sentences with the numbers that decided; for skipped and error cases the reason and the remedy.
    pub reason: String,
    /// What became of the attacker; null when it never ran.
    pub outcome: Option<Outcome>,
    /// What the file expected and what was seen.
    pub expectations: Vec<Expected>,
    /// The ceiling of the own resource; null without a limit on it.
    pub ceiling: Option<Ceiling>,
    /// The ceilings of all limits.
    pub ceilings: Vec<Ceiling>,
    /// What the victim felt, one cell for each probe.
    pub cells: Vec<Cell>,
    /// Which files below `/proc` and `/sys` tell a sandbox something of others; absent where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Channels>,
    /// Everything the probes saw.
    pub blocks: Vec<Block>,
    /// For a control that an earlier scenario of the same run needed too: the scenario and the config that it was measured
    /// for, `SCENARIO/CONFIG`. Null where it was measured here.
    #[serde(default)]
    pub measured_for: Option<String>,
    /// How long it was to be measured.
    #[serde(default)]
    pub trials: Trials,
    /// The attack against a load that only burns as much CPU; null where nobody needed to know.
    #[serde(default)]
    pub placebo: Option<Placebo>,
    /// What the attacker itself counted.
    pub attack: Attack,
    /// Bytes of the attacker's standard error that the harness read in blocks; absent for workloads that write none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// CPU time that the attacker's sandbox received under attack, by the kernel's account, as a share of one CPU: the median
    /// over the capacity blocks of cpu probes, else over all blocks. Null where nobody counts it, and for shams.
    #[serde(default)]
    pub attack_cpu: Option<f64>,
    /// Whom the kernel's OOM killer took; absent where the kernel does not tell.
    #[serde(default, skip_serializing_if = "OomKills::is_unknown")]
    pub oom_kills: OomKills,
    /// What the watcher outside the node saw of the machine.
    pub watch: Watch,
    /// For how long tasks had to wait for a resource, by sandbox and for the `node` as a whole, over the whole case; empty
    /// where the kernel does not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pressure: BTreeMap<String, Pressure>,
    /// Measured facts of the attacker's sandbox, by name.
    pub facts: BTreeMap<FactName, FactValue>,
    /// Every change made to the machine for this case, one printable step each, in order.
    pub steps: Vec<String>,
    /// The same for taking all of it back.
    #[serde(default)]
    pub tear_down: Vec<String>,
    /// CPU time of the machine's on-blocks that belongs neither to the node nor to the harness, beyond what off-blocks
    /// show, in seconds.
    pub out_of_band_cpu_seconds: Option<f64>,
    /// CPU time that the harness used during the case, in seconds.
    pub harness_cpu_seconds: f64,
    /// From the order that ends the attack to the end of the victim's first clean stretch, in milliseconds: the time to kill
    /// the attacker and for the node to become quiet is in it.
    pub recovery_ms: Option<f64>,
    /// What did not come back after the case.
    pub residue: Vec<String>,
}

const fn one() -> u64 {
    1
}

/// A pod of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CasePod {
    /// What it is, with the limits of its sandboxes' sum.
    #[serde(flatten)]
    pub spec: PodSpec,
    /// Its sandboxes, by name.
    pub sandboxes: Vec<String>,
}

/// A sidecar of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseSidecar {
    /// Its name.
    pub name: String,
    /// Its pod.
    pub pod: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What it was when the blocks were over.
    pub state: SidecarState,
    /// How often it was started again.
    pub restarts: u64,
    /// How often it ended how: `exit 1`, `SIGKILL`.
    pub ended: BTreeMap<String, u64>,
    /// The waits before its restarts, in milliseconds, in order.
    pub waits_ms: Vec<u64>,
    /// Why it could not be started again, the last time that it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What a sidecar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SidecarState {
    /// It runs.
    Running,
    /// It has ended, and is to be started again.
    Waiting,
    /// It has ended, and its pod's policy wants it so.
    Ended,
}

/// The disk of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDisk {
    /// Its loop device, `MAJOR:MINOR`, as limits name it.
    pub device: String,
    /// Whether the device reads and writes its file past the page cache. Where the file's file system cannot, what the device does goes through
    /// the page cache of the machine, and is quicker than a disk.
    pub direct_io: bool,
    /// The file that it was kept in.
    pub image: PathBuf,
}

/// A load in the attacker's sandbox that burns as much CPU as the attack received, with as many tasks that wake as often, and
/// does nothing else: what the victim feels of the attack beyond it is not the CPU's doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Placebo {
    /// Tasks that burn.
    pub tasks: u64,
    /// How each of them burns.
    pub burst: Burst,
    /// CPU time that the attack received, as a share of one CPU.
    pub attack_cpu: f64,
    /// CPU time that the placebo received, as a share of one CPU.
    pub placebo_cpu: f64,
    /// Pairs of blocks: `on` with the attack, `off` with the placebo.
    pub blocks: Vec<Block>,
}

/// An expectation or assertion of the file, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// The resource, `resource/probe` or fact it speaks of.
    pub target: String,
    /// What the file says, as written in it; several words are joined with `|`.
    pub expected: String,
    /// What was seen; null when nothing was measured.
    pub seen: Option<String>,
    /// Whether they agree; null when it was skipped.
    pub met: Option<bool>,
    /// Why it was skipped in a case that ran: its condition does not hold on this machine; else null.
    pub skipped: Option<String>,
    /// Line in the scenario file, from 1.
    pub line: u64,
    /// Column in the scenario file, from 1.
    pub column: u64,
}

/// Whose limit it was that stopped the attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CeilingLevel {
    /// The sandbox's own limit: own usage at its limit, refusals counted, and the node below capacity.
    Sandbox,
    /// The limit of the sandbox's pod: the same of what all of its sandboxes use.
    Pod,
    /// The node's capacity.
    Node,
    /// The kernel's counters cannot name the level, or nothing was refused.
    Inferred,
}

/// One limit, and the kernel's evidence that it held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ceiling {
    /// The resource limited.
    pub resource: Resource,
    /// The kernel file that holds the limit, without its folder, such as `pids.max`.
    pub knob: String,
    /// The limit, in the knob's unit (tasks, bytes, microseconds per period, list of CPUs counted).
    pub limit: u64,
    /// The highest usage seen, in the same unit; null where the kernel offers nothing to read.
    pub peak: Option<u64>,
    /// Where the peak was read: the kernel's peak file, or `sampled` for the highest of the harness's samples.
    pub peak_source: String,
    /// The kernel counter that counts refusals, such as `pids.events max`; null without one.
    pub counter: Option<String>,
    /// How far that counter grew during the case.
    pub count: Option<u64>,
    /// Whether the limit held.
    pub kept: bool,
    /// Whose limit it was.
    pub level: CeilingLevel,
    /// The node's own peak in the same unit, to compare with its capacity.
    pub node_peak: Option<u64>,
    /// What counts towards the limit besides the workload, and what else a reader must know.
    pub note: String,
}

/// Where the peak comes from of a limit of memory that leaves swap open: no kernel has a peak of both together.
pub const WITH_SWAP: &str = "memory.current and memory.swap.current, sampled";

impl CeilingLevel {
    /// True when it was the limit in question itself, of the sandbox or of its pod.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Sandbox | Self::Pod)
    }
}

impl Ceiling {
    /// False for what is no amount, such as a weight, and for an amount that is no hard limit, such as `memory.high`: nothing can
    /// reach it, and nothing be refused by it.
    #[must_use]
    pub fn is_amount(&self) -> bool {
        (self.peak.is_some() || self.counter.is_some()) && !self.is_soft()
    }

    /// True for a file of cgroup v2 that holds an amount which usage may pass.
    #[must_use]
    pub fn is_soft(&self) -> bool {
        matches!(
            self.knob.as_str(),
            "memory.high"
                | "memory.low"
                | "memory.min"
                | "memory.swap.high"
                | "memory.oom.group"
                | "cpu.max.burst"
        )
    }

    /// True for a set of CPUs: limit and peak are numbers of CPUs.
    #[must_use]
    pub fn is_cpuset(&self) -> bool {
        self.knob == "cpuset.cpus"
    }

    /// True when swap was left open beside a limit of memory, and the peak is of both together.
    #[must_use]
    pub fn is_with_swap(&self) -> bool {
        self.peak_source == WITH_SWAP
    }

    /// True when what is counted is processes that the OOM killer took.
    #[must_use]
    pub fn counts_kills(&self) -> bool {
        self.counter.as_deref().is_some_and(|counter| counter.ends_with(" oom_kill"))
    }

    /// True for a quota of CPU time: limit and peak are microseconds in each 100 ms, and what is counted is throttling.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        matches!(self.knob.as_str(), "cpu.max" | "cpu.cfs_quota_us")
    }

    /// True for a rate of a link: limit and peak are bits per second, and what is counted is how often a packet had to wait.
    #[must_use]
    pub fn is_link_rate(&self) -> bool {
        self.knob.starts_with("tbf ")
    }
}

/// The kind of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// What one sandbox's load did to another's.
    Interference,
    /// What a sandbox saw of others, or reached.
    Visibility,
}

/// What the attacker did to one probe of the victim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The probe's resource.
    pub resource: Resource,
    /// The probe, `resource/operation`.
    pub probe: String,
    /// What it shows: an effect of load, or what could be seen.
    pub kind: CellKind,
    /// The verdict; null for cells nobody judged.
    pub verdict: Option<Verdict>,
    /// The resource through which the effect came, when it is another one.
    pub via: Option<Resource>,
    /// Operations attempted in on-blocks, latency and capacity together.
    pub attempts: u64,
    /// Failures in on-blocks, by errno name; of attempts to see, those that failed, `absent` for what was not there.
    pub failures: BTreeMap<String, u64>,
    /// For `visibility`: the attempts that succeeded, those that reached something first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// The same two numbers for off-blocks.
    pub quiet: QuietSample,
    /// `min(rate_on / rate_off, 1)`, median over pairs with its interval; null where not measured.
    pub isol: Option<Interval>,
    /// `max(lat_on / lat_off - 1, 0)`; null where not measured.
    pub lat_imp: Option<LatencyImpact>,
    /// How much longer an operation took under attack, in nanoseconds, negative when it was faster; null where not measured.
    pub lat_growth_ns: Option<LatencyGrowth>,
    /// Growth up to here is no leak whatever the ratio, in nanoseconds.
    pub lat_floor_ns: f64,
    /// The same two, isolation and latency impact, net of the time that the victim and its children waited for a CPU; null
    /// where that was not read.
    #[serde(default)]
    pub net: Option<Beside>,
    /// The same two against the placebo instead of the quiet node; null without one.
    #[serde(default)]
    pub beside_placebo: Option<Beside>,
    /// True when the victim was faster under attack, by more than the tolerance.
    pub faster: bool,
    /// The tolerance it was judged with: 0.25 is 25 %.
    pub tolerance: f64,
    /// Pairs with a usable value, latency pairs.
    pub latency_pairs: u32,
    /// Pairs with a usable value, capacity pairs.
    pub capacity_pairs: u32,
    /// Probe windows that never answered, on-blocks.
    pub missing: u32,
}

/// Isolation and latency impact by another comparison than that with the quiet node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Beside {
    /// Ratio of rates, at most 1; null where not measured.
    pub isol: Option<Interval>,
    /// Latency impact of the mean; null where not measured.
    pub mean: Option<Interval>,
    /// Latency impact of the median; null where not measured.
    pub p50: Option<Interval>,
}

/// What off-blocks show of the same probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuietSample {
    /// Operations attempted.
    pub attempts: u64,
    /// Failures, by errno name.
    pub failures: BTreeMap<String, u64>,
}

/// A median over pairs and its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Median over pairs.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Latency impact, for the mean (lost time) and three percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyImpact {
    /// Of the mean.
    pub mean: Interval,
    /// Of the median.
    pub p50: Interval,
    /// Of the 90th percentile; shown, not judged.
    pub p90: Interval,
    /// Of the 99th percentile; shown, not judged.
    pub p99: Interval,
}

/// Latency under attack less latency when quiet, in nanoseconds, for the metrics that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyGrowth {
    /// Of the mean.
    pub mean: Interval,
    /// Of the median.
    pub p50: Interval,
}

/// What the attacker counted of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attack {
    /// Operations that succeeded: forks for a fork bomb, pages touched for a memory eater.
    pub operations: u64,
    /// Operations that were refused, by errno name.
    pub refusals: BTreeMap<String, u64>,
    /// The most it held at once, in its own unit (tasks for a fork bomb, pages for a memory eater; init and supervisor not
    /// included).
    pub peak: u64,
    /// The most memory it held at once, in bytes; absent for workloads that hold none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// Workers that were killed from outside and started again.
    pub respawns: u64,
    /// Workers that ended by a SIGKILL which was not their supervisor's: by the OOM killer's, as a rule. By the supervisor's
    /// count; the kernel's is in `oom_kills`.
    #[serde(default)]
    pub kills: u64,
    /// How often the attack was switched on.
    pub starts: u64,
    /// What stopped an attack on open files; empty for all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_by: Vec<Stop>,
}

/// What keeps an attacker from more open files, or from more of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The limit of each process, `RLIMIT_NOFILE`: EMFILE.
    Nofile,
    /// The table of the whole system, `fs.file-max`: ENFILE.
    FileMax,
    /// Memory, to which open files are charged: ENOMEM, or kills by the OOM killer.
    Memory,
    /// A limit on tasks kept workers from being started: EAGAIN.
    Pids,
    /// The disk has no block or no inode left: ENOSPC.
    DiskFull,
    /// The attacker's own dose cap.
    Dose,
}

/// What the watcher saw: a process outside the node, on the attacker's CPU, that forks, opens, writes and allocates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// Rounds of the four operations, about ten a second.
    pub rounds: u64,
    /// Failed operations, by `operation:ERRNO`.
    pub failures: BTreeMap<String, u64>,
    /// The longest time between two rounds, in milliseconds.
    pub longest_pause_ms: f64,
    /// The slowest round, in milliseconds.
    pub slowest_round_ms: f64,
}
