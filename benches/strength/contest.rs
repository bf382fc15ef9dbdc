//! What is held against what: one of this program's attackers and the stress-ng stressor that is meant to do the same, at one worker each, and the
//! kernel's count of what both do.

use contain_test::sandbox::DISK_INSIDE;
use contain_test_workloads::{AttackOrder, DiskOrder, Dose, MemoryOrder};

use crate::counter::Counter;

/// The node's memory in bytes; nothing here wants more than half of it.
pub const NODE_MEMORY: u64 = 512 << 20;
/// Tasks of the node.
pub const NODE_PIDS: u64 = 512;
/// What is allocated again and again, in bytes.
const SIZE: u64 = 256 << 20;
/// The node's disk in bytes.
pub const NODE_DISK: u64 = 512 << 20;
/// The node's uplink in bits per second: so much that no packet waits for it.
pub const NODE_UPLINK: u64 = 20_000_000_000;

/// What a contest needs of the node besides CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Nothing.
    Plain,
    /// A directory on its disk.
    Disk,
    /// A link to its uplink.
    Uplink,
}

/// Two programs that do the same.
pub struct Contest {
    /// This program's attacker, as scenarios spell it.
    pub name: &'static str,
    /// The order that starts it.
    pub ours: AttackOrder,
    /// The stressor and its arguments.
    pub theirs: Vec<&'static str>,
    /// What is counted.
    pub counter: Counter,
    /// What both need.
    pub ground: Ground,
}

impl Contest {
    /// The order that starts the stressor.
    pub fn theirs(&self) -> AttackOrder {
        let folder = if self.ground == Ground::Disk { DISK_INSIDE } else { "/tmp" };
        let words = ["/usr/bin/stress-ng", "--quiet", "--temp-path", folder];
        let command = words.iter().chain(&self.theirs).map(|&word| word.to_owned()).collect();
        AttackOrder { command, ..order("command") }
    }
}

fn order(workload: &str) -> AttackOrder {
    let dose = Dose { tasks: NODE_PIDS, bytes: NODE_MEMORY, seconds: 30, unguarded: false };
    AttackOrder::full(workload, dose)
}

fn eater(memory: MemoryOrder, kind: Option<&str>) -> AttackOrder {
    let memory = Some(MemoryOrder { size_bytes: Some(SIZE), workers: 1, ..memory });
    AttackOrder { memory, kind: kind.map(str::to_owned), ..order("memory-eater") }
}

/// All of them.
pub fn all() -> Vec<Contest> {
    let mut all = of_the_cpu_and_memory();
    all.extend(of_the_disk());
    all.extend(of_the_uplink());
    all
}

fn of_the_cpu_and_memory() -> Vec<Contest> {
    let again = MemoryOrder { allocations: Some(1000), ..MemoryOrder::default() };
    let kind =
        |workload: &str, kind: &str| AttackOrder { kind: Some(kind.to_owned()), ..order(workload) };
    vec![
        Contest {
            name: "cpu-burn",
            ours: order("cpu-burn"),
            theirs: vec!["--cpu", "1"],
            counter: Counter::CpuTime,
            ground: Ground::Plain,
        },
        Contest {
            name: "forkbomb, kind: churn",
            ours: kind("forkbomb", "churn"),
            theirs: vec!["--fork", "1"],
            counter: Counter::Forks,
            ground: Ground::Plain,
        },
        Contest {
            name: "fd-exhaust",
            ours: order("fd-exhaust"),
            theirs: vec!["--open", "1"],
            counter: Counter::OpenFiles,
            ground: Ground::Plain,
        },
        Contest {
            name: "fd-exhaust, kind: pipe",
            ours: kind("fd-exhaust", "pipe"),
            theirs: vec!["--open", "1"],
            counter: Counter::OpenFiles,
            ground: Ground::Plain,
        },
        Contest {
            name: "memory-eater, size: 256Mi, allocations: 1000",
            ours: eater(again, None),
            theirs: vec!["--vm", "1", "--vm-bytes", "256m", "--vm-method", "write64"],
            counter: Counter::ChargedPages,
            ground: Ground::Plain,
        },
        Contest {
            name: "memory-eater, kind: tmpfs, allocations: 1000",
            ours: eater(again, Some("tmpfs")),
            theirs: vec!["--shm", "1", "--shm-bytes", "256m", "--shm-objs", "1"],
            counter: Counter::ChargedPages,
            ground: Ground::Plain,
        },
        Contest {
            name: "random-drain, source: urandom",
            ours: AttackOrder {
                source: contain_test_workloads::protocol::RandomSource::Urandom,
                ..order("random-drain")
            },
            theirs: vec!["--urandom", "1"],
            counter: Counter::BytesRead,
            ground: Ground::Plain,
        },
    ]
}

/// Drains of the disk against writers of a file of 128 MiB, in the same directory and in calls of the same size.
fn of_the_disk() -> Vec<Contest> {
    let contest = |name, kind: &str, theirs, counter| {
        let disk = Some(DiskOrder { folder: DISK_INSIDE.into(), bytes: NODE_DISK });
        let ours = AttackOrder { kind: Some(kind.to_owned()), disk, ..order("io-drain") };
        Contest { name, ours, theirs, counter, ground: Ground::Disk }
    };
    vec![
        contest(
            "io-drain, kind: direct-write",
            "direct-write",
            writer(None, "wr-seq,direct"),
            Counter::BytesWritten,
        ),
        contest(
            "io-drain, kind: random-write",
            "random-write",
            writer(Some("4k"), "wr-rnd,direct"),
            Counter::Writes,
        ),
        contest(
            "io-drain, kind: buffered-write",
            "buffered-write",
            writer(Some("256k"), "wr-seq,syncfs"),
            Counter::BytesWritten,
        ),
        contest(
            "io-drain, kind: fsync",
            "fsync",
            writer(Some("4k"), "wr-seq,fsync"),
            Counter::Writes,
        ),
    ]
}

/// A stressor that writes one file again and again, in this manner and in calls of this size, else of its own 64 KiB.
fn writer(size: Option<&'static str>, manner: &'static str) -> Vec<&'static str> {
    let mut words = vec!["--hdd", "1", "--hdd-bytes", "128m"];
    words.extend(size.into_iter().flat_map(|size| ["--hdd-write-size", size]));
    words.extend(["--hdd-opts", manner]);
    words
}

/// A flood over the uplink against floods over the loopback device, which has no link to cross.
fn of_the_uplink() -> Vec<Contest> {
    let contest = |theirs| Contest {
        name: "net-flood",
        ours: order("net-flood"),
        theirs,
        counter: Counter::Datagrams,
        ground: Ground::Uplink,
    };
    vec![contest(vec!["--udp", "1"]), contest(vec!["--udp-flood", "1"])]
}
