//! The workloads and probes that scenarios can name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MemorySpec, RandomSource, Resource, WorkloadKind};

/// A workload and how hard it tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkloadSpec {
    /// Which built-in program.
    pub name: Workload,
    /// Which kind of it, where it is not its usual one.
    pub kind: Option<WorkloadKind>,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
    /// Workers that burn at the same time; only [`Workload::CpuBurn`] has more than one.
    pub threads: u64,
    /// Bursts instead of a steady load; only for [`Workload::CpuBurn`].
    pub burst: Option<Burst>,
    /// The program and its arguments; only for [`Workload::Command`], and never empty there.
    pub command: Vec<String>,
    /// The resource that it drains, where the file names it; only for [`Workload::Command`].
    pub resource: Option<Resource>,
    /// Where random numbers are taken from; only for [`Workload::RandomDrain`].
    pub source: RandomSource,
    /// How many processes open at the same time, 1 to 1024; only [`Workload::FdExhaust`] has more than one.
    pub processes: u64,
    /// How it eats memory; only for [`Workload::MemoryEater`].
    pub memory: Option<MemorySpec>,
}

impl WorkloadSpec {
    /// A workload at full effort, with one thread, steady.
    #[must_use]
    pub const fn full(name: Workload) -> Self {
        Self {
            name,
            kind: None,
            intensity: 100,
            threads: 1,
            burst: None,
            command: Vec::new(),
            resource: None,
            memory: None,
            source: RandomSource::Getrandom,
            processes: 1,
        }
    }

    /// The resource it drains; `None` for a sham.
    #[must_use]
    pub fn resource(&self) -> Option<Resource> {
        self.resource.or(self.name.resource())
    }

    /// The options that only this workload has, as files spell them, for records and views.
    #[must_use]
    pub fn options(&self) -> BTreeMap<String, String> {
        let options: Vec<(&str, String)> = match self.name {
            Workload::FdExhaust => vec![("processes", self.processes.to_string())],
            Workload::RandomDrain => vec![("source", self.source.name().to_owned())],
            _ => Vec::new(),
        };
        options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// A load that comes in bursts: busy at the beginning of each period, idle for the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Burst {
    /// Busy time in each period, in microseconds.
    pub busy_us: u64,
    /// Length of a period, in microseconds.
    pub period_us: u64,
}

/// The built-in workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Any program that the scenario names.
    Command,
    /// Computes on registers, steadily or in bursts, on one thread or many.
    CpuBurn,
    /// Opens until it is refused, holds what it got, keeps trying.
    FdExhaust,
    /// Forks until it is refused, holds what it got, keeps trying.
    Forkbomb,
    /// Makes empty files on the node's disk until it is refused, holds what it got, keeps trying.
    InodeEater,
    /// Reads, writes, flushes or fills the node's disk.
    IoDrain,
    /// Floods its own output.
    LogSpam,
    /// Looks around, once, for what others have planted.
    Look,
    /// Floods the node's uplink.
    NetFlood,
    /// Takes random numbers as fast as the kernel gives them.
    RandomDrain,
    /// Touches memory and keeps it, at once or at a rate, with one worker or many.
    MemoryEater,
    /// Sleeps: the sham attacker.
    Sleep,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Command,
        Self::CpuBurn,
        Self::FdExhaust,
        Self::Forkbomb,
        Self::InodeEater,
        Self::IoDrain,
        Self::LogSpam,
        Self::Look,
        Self::MemoryEater,
        Self::NetFlood,
        Self::RandomDrain,
        Self::Sleep,
    ];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::CpuBurn => "cpu-burn",
            Self::FdExhaust => "fd-exhaust",
            Self::Forkbomb => "forkbomb",
            Self::InodeEater => "inode-eater",
            Self::IoDrain => "io-drain",
            Self::LogSpam => "log-spam",
            Self::Look => "look",
            Self::NetFlood => "net-flood",
            Self::RandomDrain => "random-drain",
            Self::MemoryEater => "memory-eater",
            Self::Sleep => "sleep",
        }
    }

    /// One line for `list`.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Command => {
                "runs any program: the scenario names it, and the resource that it drains"
            }
            Self::CpuBurn => "computes without a pause, or in bursts, on one thread or many",
            Self::FdExhaust => {
                "opens files, sockets, pipes or eventfds until it is refused, and holds them"
            }
            Self::Forkbomb => "forks until it is refused, holds what it got, keeps trying",
            Self::InodeEater => {
                "makes empty files on the node's disk until there is no inode left, and holds them"
            }
            Self::IoDrain => "reads, writes, flushes or fills the node's disk",
            Self::NetFlood => "floods the node's uplink with datagrams, streams or connections",
            Self::LogSpam => "floods its own output, which somebody outside has to read",
            Self::Look => "looks around, once, for what its neighbour and the host have planted",
            Self::RandomDrain => {
                "takes random numbers as fast as the kernel gives them, from one of three sources"
            }
            Self::MemoryEater => "touches memory, holds what it got, starts again what is killed",
            Self::Sleep => "sleeps: the sham attacker that shows the machine's own noise",
        }
    }

    /// The resource it drains, its own resource; the sham drains none and is judged on the resource of its scenario, and what a program drains only
    /// the scenario can say.
    #[must_use]
    pub const fn resource(self) -> Option<Resource> {
        match self {
            Self::CpuBurn => Some(Resource::Cpu),
            // Of whoever reads.
            Self::LogSpam => Some(Resource::Cpu),
            Self::Look => Some(Resource::View),
            Self::FdExhaust => Some(Resource::Files),
            Self::Forkbomb => Some(Resource::Pids),
            Self::InodeEater | Self::IoDrain => Some(Resource::Disk),
            Self::NetFlood => Some(Resource::Network),
            Self::MemoryEater => Some(Resource::Memory),
            Self::RandomDrain => Some(Resource::Random),
            Self::Command | Self::Sleep => None,
        }
    }

    /// Whether it writes to its standard error, so that somebody must read that while it runs.
    #[must_use]
    pub const fn writes_logs(self) -> bool {
        matches!(self, Self::LogSpam)
    }

    /// The fewest tasks in which it can do anything: its init, which is also its supervisor, one worker, and for some kinds what
    /// the worker starts.
    #[must_use]
    pub const fn min_pids(self, kind: Option<WorkloadKind>) -> u64 {
        match kind {
            Some(WorkloadKind::Thread | WorkloadKind::Churn) => 3,
            _ => 2,
        }
    }
}

/// The victim's probes, named `resource/operation`; which of them run is a matter of the node ([`super::NodeSpec::probes`]).
pub const PROBES: &[&str] = &[
    "pids/fork",
    "cpu/work",
    "cpu/wakeup",
    "random/getrandom",
    "files/open",
    "files/socket",
    "memory/fault",
    "disk/fsync",
    "disk/read",
    "network/udp",
    "network/connect",
];

/// Probes that are shown and never judged: of the CPU only throughput tells anything, and this one has none.
const SHOWN: &[&str] = &["cpu/wakeup"];

/// Whether a probe, named `resource/operation`, is judged and has capacity blocks, or is only shown.
#[must_use]
pub fn is_judged(probe: &str) -> bool {
    !SHOWN.contains(&probe)
}
