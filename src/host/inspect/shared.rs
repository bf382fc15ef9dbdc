//! What several processes share: those in the same namespace, and those in the same cgroups.

use std::collections::BTreeMap;

use crate::record::{Inspected, Shared};
use crate::scenario::NamespaceKind;

/// Groups the processes, in their order, by each kind of namespace and by their cgroups.
#[must_use]
pub fn of(processes: &[Inspected]) -> Shared {
    let namespaces: BTreeMap<NamespaceKind, Vec<Vec<u32>>> = NamespaceKind::ALL
        .into_iter()
        .map(|kind| (kind, groups(processes, |it| it.namespaces.get(&kind).copied().flatten())))
        .collect();
    Shared { namespaces, cgroups: groups(processes, |it| it.cgroups.clone()) }
}

/// Processes with the same key are in one group; those without a key are in none.
fn groups<K: PartialEq>(
    processes: &[Inspected],
    key: impl Fn(&Inspected) -> Option<K>,
) -> Vec<Vec<u32>> {
    let mut groups: Vec<(K, Vec<u32>)> = Vec::new();
    for process in processes {
        let Some(key) = key(process) else { continue };
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(process.pid),
            None => groups.push((key, vec![process.pid])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}
