//! Whether two machines are alike enough for what was measured on them to be compared.

use crate::record::{Machine, Report, Unlike};

/// By how much the memory of the same machine may differ from one start to the next, as a share: the kernel keeps a little more or
/// less of it for itself.
const MEMORY: f64 = 0.02;

/// In what the machines of two records differ: those with one ID, or the only ones of both.
pub(super) fn differences(record: usize, old: &Report, new: &Report) -> Vec<Unlike> {
    if let ([old], [new]) = (old.machines.as_slice(), new.machines.as_slice()) {
        return of_machine(record, old, new);
    }
    new.machines
        .iter()
        .filter_map(|new| Some((old.machines.iter().find(|old| old.id == new.id)?, new)))
        .flat_map(|(old, new)| of_machine(record, old, new))
        .collect()
}

fn of_machine(record: usize, old: &Machine, new: &Machine) -> Vec<Unlike> {
    let cgroup = |it: &Machine| it.cgroup.map_or("none", |mode| mode.name()).to_owned();
    let facts = [
        ("kernel", old.kernel.clone(), new.kernel.clone()),
        ("arch", old.arch.clone(), new.arch.clone()),
        ("cgroup", cgroup(old), cgroup(new)),
        ("cpus", old.cpus.to_string(), new.cpus.to_string()),
    ];
    let mut unlike: Vec<Unlike> = facts
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new_value)| Unlike {
            record,
            machine: new.id.clone(),
            what,
            old,
            new: new_value,
        })
        .collect();
    if !same_memory(old.memory_bytes, new.memory_bytes) {
        unlike.push(Unlike {
            record,
            machine: new.id.clone(),
            what: "memory_bytes",
            old: old.memory_bytes.to_string(),
            new: new.memory_bytes.to_string(),
        });
    }
    unlike
}

#[expect(clippy::cast_precision_loss, reason = "two percent of anything fit into 52 bits")]
fn same_memory(old: u64, new: u64) -> bool {
    old.abs_diff(new) as f64 <= old.max(new) as f64 * MEMORY
}
