//! The typed model of a scenario: what the sugar of the file stands for, fully resolved.
//!
//! Nothing here has looked at the machine. Sizes are bytes, CPU shares are thousandths of a CPU, as the field names say.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Where a value stands in its file: line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// One scenario file, resolved: every config holds its complete sandboxes, node and placement.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The scenario's name, unique in a run; lower-case letters, digits and dashes.
    pub name: String,
    /// One sentence for people.
    pub summary: Option<String>,
    /// The path it was read from, as given, or `(shipped)/NAME.yaml`.
    pub file: String,
    /// The columns of the report, in the file's order.
    pub configs: Vec<Config>,
}

/// One set of limits and controls: a column of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The config's name, unique in its scenario.
    pub name: String,
    /// Where the config starts in the file; `None` for controls that the tool adds.
    pub position: Option<Position>,
    /// `Some` for the controls: `open` when no sandbox of the attacker's role has limits, `sham` when added by the tool.
    pub control: Option<Control>,
    /// The miniature machine that attacker and victim share.
    pub node: NodeSpec,
    /// Which CPUs attacker and victim get; resolved from the own resource when the file is silent.
    pub placement: Placement,
    /// Exactly one attacker and one victim, attacker first.
    pub sandboxes: Vec<SandboxSpec>,
    /// What the file expects of the verdicts.
    pub expect: Vec<Expectation>,
    /// Facts the file asserts.
    pub asserts: Vec<Assertion>,
}

impl Config {
    /// The sandbox with the given role.
    #[must_use]
    pub fn sandbox(&self, role: Role) -> Option<&SandboxSpec> {
        self.sandboxes.iter().find(|sandbox| sandbox.role == role)
    }

    /// The resource that the case is judged on: the one its attacker drains. A sleeping attacker drains none and is judged on
    /// `pids`, because its sandbox is built as that of a fork bomb is.
    #[must_use]
    pub fn own_resource(&self) -> Resource {
        self.sandbox(Role::Attacker)
            .and_then(|sandbox| sandbox.workload.as_ref())
            .and_then(|workload| workload.name.resource())
            .unwrap_or(Resource::Pids)
    }
}

/// The two automatic controls of the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// The positive control: the attack without limits, which shows that it is dangerous.
    Open,
    /// The negative control: a sleeping workload, which shows what the machine's own noise looks like.
    Sham,
}

/// The node of a case: a guard cgroup with a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Size of the cpuset (or what there is).
    pub cpus: u32,
    /// Capacity of memory, in bytes; swap is not added to it.
    pub memory_bytes: u64,
    /// Capacity of tasks.
    pub pids: u64,
}

impl Default for NodeSpec {
    fn default() -> Self {
        Self { cpus: 2, memory_bytes: 512 << 20, pids: 512 }
    }
}

/// CPUs that a node may have.
pub const NODE_CPUS: RangeInclusive<u64> = 1..=1024;

/// Bytes of memory that a node may have: room for both sandboxes, and no more than can be counted sensibly.
pub const NODE_MEMORY: RangeInclusive<u64> = 64 << 20..=1 << 40;

/// Tasks that a node may have. A fork bomb fills the node, so the upper end keeps the machine itself alive.
pub const NODE_PIDS: RangeInclusive<u64> = 16..=4096;

/// Which CPUs of the node attacker and victim run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Each has CPUs of its own, where there are two.
    Apart,
    /// Both share one CPU.
    Together,
}

/// The role of a sandbox in the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the workload.
    Attacker,
    /// Runs the probes.
    Victim,
}

/// One sandbox of a config.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxSpec {
    /// Its name, unique in the config; also the name of its cgroup below the node.
    pub name: String,
    /// Attacker or victim.
    pub role: Role,
    /// The pod it belongs to; sandboxes of one pod may share namespaces.
    pub pod: Option<String>,
    /// The runtime that starts it; `native` is ours.
    pub runtime: String,
    /// The attacker's workload; `None` for a victim.
    pub workload: Option<WorkloadSpec>,
    /// What it may use.
    pub limits: Limits,
    /// What it may see.
    pub namespaces: Namespaces,
}

/// The seven resources that everything on one kernel shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
    /// File systems and block devices.
    Disk,
    /// Network.
    Network,
    /// Open files.
    Files,
    /// Process IDs.
    Pids,
    /// Random numbers.
    Random,
}

impl Resource {
    /// All of them, in the order of the report's rows.
    pub const ALL: [Self; 7] =
        [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Files, Self::Pids, Self::Random];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Files => "files",
            Self::Pids => "pids",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A workload and how hard it tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkloadSpec {
    /// Which built-in program.
    pub name: Workload,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
}

/// The built-in workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Forks until it is refused, holds what it got, keeps trying.
    Forkbomb,
    /// Sleeps: the sham attacker.
    Sleep,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Forkbomb, Self::Sleep];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forkbomb => "forkbomb",
            Self::Sleep => "sleep",
        }
    }

    /// One line for `list`.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Forkbomb => "forks until it is refused, holds what it got, keeps trying",
            Self::Sleep => "sleeps: the sham attacker that shows the machine's own noise",
        }
    }

    /// The resource it drains, its own resource; the sham drains none and is judged on the resource of its scenario.
    #[must_use]
    pub const fn resource(self) -> Option<Resource> {
        match self {
            Self::Forkbomb => Some(Resource::Pids),
            Self::Sleep => None,
        }
    }

    /// The fewest tasks in which it can do anything: its init, which is also its supervisor, and one worker.
    #[must_use]
    pub const fn min_pids(self) -> u64 {
        2
    }
}

/// The victim's fewest tasks: its init, one process for each probe, and one child of the fork probe.
pub const VICTIM_MIN_PIDS: u64 = 4;

/// The victim's probes, named `resource/operation`.
pub const PROBES: &[&str] = &["pids/fork", "cpu/work"];

/// Limits of one sandbox; `None` leaves the kernel's default, which is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// `pids.max`: tasks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pids: Option<u64>,
    /// `memory.max` or `memory.limit_in_bytes`, in bytes. Swap is 0 with it unless `swap_bytes` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_bytes: Option<u64>,
    /// `memory.swap.max`, or on v1 what `memory.memsw.limit_in_bytes` allows beyond memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub swap_bytes: Option<u64>,
    /// `cpu.max` or `cpu.cfs_quota_us`, in thousandths of a CPU.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_millis: Option<u64>,
    /// `cpu.weight` (1 to 10000, default 100); on v1 the `cpu.shares` it stands for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight: Option<u64>,
    /// `cpuset.cpus`, in the kernel's list format.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpuset: Option<String>,
    /// `RLIMIT_NOFILE`, soft and hard.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nofile: Option<u64>,
    /// Exact kernel files of cgroup v2 and their values, such as `memory.high: 48Mi`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unified: BTreeMap<String, String>,
}

impl Limits {
    /// True when nothing is limited: such an attacker makes its config an open case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The eight kinds of namespace, by the kernel's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// Mount points.
    Mnt,
    /// Process IDs.
    Pid,
    /// Network devices, addresses, routes, ports.
    Net,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Host and domain name.
    Uts,
    /// User and group IDs, capabilities.
    User,
    /// The root of `/proc/PID/cgroup`.
    Cgroup,
    /// Offsets of the monotonic and boot clocks.
    Time,
}

impl NamespaceKind {
    /// All eight.
    pub const ALL: [Self; 8] = [
        Self::Mnt,
        Self::Pid,
        Self::Net,
        Self::Ipc,
        Self::Uts,
        Self::User,
        Self::Cgroup,
        Self::Time,
    ];

    /// The kernel's name, as in `/proc/PID/ns/NAME`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mnt => "mnt",
            Self::Pid => "pid",
            Self::Net => "net",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }
}

/// Whether a namespace is new for the sandbox or the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// A namespace of the sandbox's own.
    New,
    /// The host's namespace.
    Host,
}

/// The namespaces of a sandbox: each kind new (the default) or shared with the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces(pub BTreeMap<NamespaceKind, Sharing>);

impl Default for Namespaces {
    fn default() -> Self {
        Self(NamespaceKind::ALL.into_iter().map(|kind| (kind, Sharing::New)).collect())
    }
}

impl Namespaces {
    /// How the sandbox gets this kind.
    #[must_use]
    pub fn sharing(&self, kind: NamespaceKind) -> Sharing {
        self.0.get(&kind).copied().unwrap_or(Sharing::New)
    }

    /// True when the kind is the sandbox's own.
    #[must_use]
    pub fn is_new(&self, kind: NamespaceKind) -> bool {
        self.sharing(kind) == Sharing::New
    }
}

/// One line of `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What is judged.
    pub target: Target,
    /// Any of these meets it.
    pub any_of: Vec<ExpectedWord>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
}

impl ExpectedWord {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Contained,
        Self::Leaks,
        Self::Breached,
        Self::Degraded,
        Self::Denied,
        Self::Lost,
        Self::Harmless,
        Self::Vacuous,
    ];

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FactName {
    /// `inside.pid`: the process ID of the sandbox's first process as it sees itself.
    #[serde(rename = "inside.pid")]
    InsidePid,
    /// `outside.pid`: the process ID of the same process as the host sees it.
    #[serde(rename = "outside.pid")]
    OutsidePid,
    /// `outside.sees_inside`: the host finds the sandbox's first process in its own `/proc`.
    #[serde(rename = "outside.sees_inside")]
    OutsideSeesInside,
    /// `inside.sees_outside`: the sandbox finds a process of the host in its `/proc`.
    #[serde(rename = "inside.sees_outside")]
    InsideSeesOutside,
}

impl FactName {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::InsidePid, Self::OutsidePid, Self::OutsideSeesInside, Self::InsideSeesOutside];

    /// The word used in files and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsidePid => "inside.pid",
            Self::OutsidePid => "outside.pid",
            Self::OutsideSeesInside => "outside.sees_inside",
            Self::InsideSeesOutside => "inside.sees_outside",
        }
    }

    /// True for facts that are yes or no, false for facts that are numbers.
    #[must_use]
    pub const fn is_flag(self) -> bool {
        matches!(self, Self::OutsideSeesInside | Self::InsideSeesOutside)
    }
}

/// The value of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
