//! What is wrong with a memory eater although every value of it is legal by itself.

use super::diagnostic::{Problems, Spot};
use super::layers::Merged;
use super::written::{Located, MemoryWritten};
use super::{MemorySpec, NodeSpec, OomChoice, Workload, units};

/// An attack must have what it wants within this time, in seconds, or it would never hold.
const LONGEST_GROWTH: u64 = 10;

/// Checks the keys of a memory eater, and that nobody else has them.
pub(super) fn check(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    let attacker = &config.attacker;
    let Some(workload) = attacker.workload.as_ref().map(|found| found.value) else { return };
    let memory = &attacker.memory;
    if workload != Workload::MemoryEater {
        strangers(memory, workload, problems);
        return;
    }
    let size = memory.spec().size_bytes.or(node.capacity(node.memory_bytes));
    too_large(memory, node, problems);
    too_slow(memory, size, problems);
    too_many(memory, node, problems);
    contradictions(memory, problems);
}

fn strangers(memory: &MemoryWritten, workload: Workload, problems: &mut Problems) {
    for (key, spot) in memory.spots() {
        problems.add(spot, format!("the workload `{}` has no `{key}`", workload.name())).help(
            "it belongs to `memory-eater`; a config that changes the workload inherits it from the top of the file",
        );
    }
}

fn too_large(memory: &MemoryWritten, node: NodeSpec, problems: &mut Problems) {
    let Some(capacity) = node.capacity(node.memory_bytes) else { return };
    if let Some(size) = memory.size.as_ref().filter(|size| size.value > capacity) {
        let (wanted, has) = (units::format_bytes(size.value), units::format_bytes(capacity));
        problems
            .add(size.spot, format!("`size` is {wanted}, but the node has {has}"))
            .help("more than the node has is never held; lower it, or raise `node.memory`");
    }
}

fn too_slow(memory: &MemoryWritten, size: Option<u64>, problems: &mut Problems) {
    let (Some(rate), Some(size)) = (&memory.rate, size) else { return };
    if rate.value.saturating_mul(LONGEST_GROWTH) < size {
        let least = units::format_bytes(size.div_ceil(LONGEST_GROWTH));
        problems
            .add(
                rate.spot,
                format!(
                    "at this `rate` the attack takes longer than {LONGEST_GROWTH} s to have its {}",
                    units::format_bytes(size)
                ),
            )
            .help(format!("a rate of {least} is enough; or lower `size`"));
    }
}

fn too_many(memory: &MemoryWritten, node: NodeSpec, problems: &mut Problems) {
    let Some(workers) = &memory.workers else { return };
    let room = node.room_for_workers();
    if workers.value > room {
        problems
            .add(workers.spot, format!("`workers` is {}, but the node has {}", workers.value, node.pids))
            .help(format!("at most {room} fit beside the init of the sandbox and the victim; raise `node.pids`"));
    }
}

fn contradictions(memory: &MemoryWritten, problems: &mut Problems) {
    if let (Some(_), Some(workers)) = (&memory.allocations, &memory.workers) {
        problems
            .add(workers.spot, "`workers` cannot stand beside `allocations`")
            .help("allocations follow each other, each made by one worker");
    }
}

impl MemoryWritten {
    /// The keys that were written, and where.
    fn spots(&self) -> impl Iterator<Item = (&'static str, Spot)> {
        let of = |number: &Option<Located<u64>>| number.as_ref().map(|found| found.spot);
        [
            ("size", of(&self.size)),
            ("workers", of(&self.workers)),
            ("rate", of(&self.rate)),
            ("allocations", of(&self.allocations)),
            ("oom", self.oom.as_ref().map(|found| found.spot)),
        ]
        .into_iter()
        .filter_map(|(key, spot)| Some((key, spot?)))
    }

    /// What it says, with the defaults of what it does not.
    pub fn spec(&self) -> MemorySpec {
        let value = |number: &Option<Located<u64>>| number.as_ref().map(|found| found.value);
        let default = MemorySpec::default();
        let allocations = value(&self.allocations);
        let workers = value(&self.workers).unwrap_or(default.workers);
        MemorySpec {
            size_bytes: value(&self.size),
            workers: if allocations.is_some() { 1 } else { workers },
            rate_bytes_per_second: value(&self.rate),
            allocations,
            oom: self.oom.as_ref().map_or(OomChoice::Natural, |found| found.value),
        }
    }
}
