//! What is held against what: one of this program's attackers and the stress-ng stressor that is meant to do the same, at one worker each, and the
//! kernel's count of what both do.

use contain_test_workloads::{AttackOrder, Dose, MemoryOrder};

use crate::counter::Counter;

/// The node's memory in bytes; nothing here wants more than half of it.
pub const NODE_MEMORY: u64 = 512 << 20;
/// Tasks of the node.
pub const NODE_PIDS: u64 = 512;
/// What is allocated again and again, in bytes.
const SIZE: u64 = 256 << 20;

/// Two programs that do the same.
pub struct Contest {
    /// This program's attacker, as scenarios spell it.
    pub name: &'static str,
    /// The order that starts it.
    pub ours: AttackOrder,
    /// The stressor and its arguments.
    pub theirs: &'static [&'static str],
    /// What is counted.
    pub counter: Counter,
}

impl Contest {
    /// The order that starts the stressor.
    pub fn theirs(&self) -> AttackOrder {
        let words = ["/usr/bin/stress-ng", "--quiet", "--temp-path", "/tmp"];
        let command = words.iter().chain(self.theirs).map(|&word| word.to_owned()).collect();
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
    let again = MemoryOrder { allocations: Some(1000), ..MemoryOrder::default() };
    let kind =
        |workload: &str, kind: &str| AttackOrder { kind: Some(kind.to_owned()), ..order(workload) };
    vec![
        Contest {
            name: "cpu-burn",
            ours: order("cpu-burn"),
            theirs: &["--cpu", "1"],
            counter: Counter::CpuTime,
        },
        Contest {
            name: "forkbomb, kind: churn",
            ours: kind("forkbomb", "churn"),
            theirs: &["--fork", "1"],
            counter: Counter::Forks,
        },
        Contest {
            name: "fd-exhaust",
            ours: order("fd-exhaust"),
            theirs: &["--open", "1"],
            counter: Counter::OpenFiles,
        },
        Contest {
            name: "fd-exhaust, kind: pipe",
            ours: kind("fd-exhaust", "pipe"),
            theirs: &["--open", "1"],
            counter: Counter::OpenFiles,
        },
        Contest {
            name: "memory-eater, size: 256Mi, allocations: 1000",
            ours: eater(again, None),
            theirs: &["--vm", "1", "--vm-bytes", "256m", "--vm-method", "write64"],
            counter: Counter::ChargedPages,
        },
        Contest {
            name: "memory-eater, kind: tmpfs, allocations: 1000",
            ours: eater(again, Some("tmpfs")),
            theirs: &["--shm", "1", "--shm-bytes", "256m", "--shm-objs", "1"],
            counter: Counter::ChargedPages,
        },
        Contest {
            name: "random-drain, source: urandom",
            ours: AttackOrder {
                source: contain_test_workloads::protocol::RandomSource::Urandom,
                ..order("random-drain")
            },
            theirs: &["--urandom", "1"],
            counter: Counter::BytesRead,
        },
    ]
}
