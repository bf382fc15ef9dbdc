//! Parts of a node that it has only where its scenario says so: a disk and an uplink. A probe, and an attack, on one of them needs it.

use std::fmt;

use super::diagnostic::{Problems, Spot};
use super::layers::Merged;
use super::workload::PROBES;
use super::{NodeSpec, Position, Resource, Target, Workload, WorkloadKind, units};

/// The victim's tasks besides one process for each probe: its init, and one child of the fork probe.
const VICTIM_OTHERS: u64 = 2;

/// The part that a resource of the node is a matter of: its key in `node`, and an example of its value. `None` for resources that
/// every node has.
#[must_use]
pub const fn part_of(resource: Resource) -> Option<(&'static str, &'static str)> {
    match resource {
        Resource::Disk => Some(("disk", "256Mi")),
        Resource::Network => Some(("uplink", "100M")),
        _ => None,
    }
}

impl NodeSpec {
    /// Whether there is any of this resource in the node.
    #[must_use]
    pub const fn has(&self, resource: Resource) -> bool {
        match resource {
            Resource::Disk => self.disk_bytes.is_some(),
            Resource::Network => self.uplink_bits_per_second.is_some(),
            _ => true,
        }
    }

    /// The probes of a victim in this node.
    pub fn probes(&self) -> impl Iterator<Item = &'static str> + '_ {
        PROBES.iter().copied().filter(|probe| self.runs(probe))
    }

    /// Whether a probe, named `resource/operation`, can run in this node.
    #[must_use]
    pub fn runs(&self, probe: &str) -> bool {
        let lacks = |resource: &Resource| !self.has(*resource);
        let name = probe.split('/').next().unwrap_or(probe);
        !Resource::ALL.iter().filter(|resource| lacks(resource)).any(|it| it.name() == name)
    }

    /// The fewest tasks of a victim in this node: its init, one process for each probe, and one child of the fork probe.
    #[must_use]
    pub fn victim_min_pids(&self) -> u64 {
        self.probes().fold(VICTIM_OTHERS, |sum, _| sum + 1)
    }

    /// Tasks that are left for workers of an attacker, beside the init of its sandbox and the victim.
    #[must_use]
    pub fn room_for_workers(&self) -> u64 {
        match self.guard {
            true => self.pids.saturating_sub(1 + self.victim_min_pids()),
            false => u64::MAX,
        }
    }
}

impl fmt::Display for NodeSpec {
    /// `2 CPUs, 512Mi of memory, 512 tasks, 256Mi of disk`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.guard {
            return f.write_str("no guard");
        }
        let memory = units::format_bytes(self.memory_bytes);
        write!(f, "{} CPUs, {memory} of memory, {} tasks", self.cpus, self.pids)?;
        if let Some(disk) = self.disk_bytes {
            write!(f, ", {} of disk", units::format_bytes(disk))?;
        }
        if let Some(uplink) = self.uplink_bits_per_second {
            write!(f, ", an uplink of {} bit/s", units::format_bits(uplink))?;
        }
        Ok(())
    }
}

/// An attack on a part that the node lacks would drain something of the machine, and an expectation of one could never be judged.
pub(super) fn check(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    let attacker = &config.attacker;
    let workload = attacker.workload.as_ref();
    let named = attacker.resource.as_ref().map(|found| (found.value, found.spot));
    let own = workload.and_then(|found| Some((found.value.resource()?, found.spot)));
    if let Some((resource, spot)) = named.or(own) {
        lacks(node, resource, spot, "the attack drains", problems);
    }
    let cached = attacker.kind.as_ref().filter(|kind| kind.value == WorkloadKind::PageCache);
    if let Some(kind) =
        cached.filter(|_| workload.is_some_and(|it| it.value == Workload::MemoryEater))
    {
        lacks(node, Resource::Disk, kind.spot, "`page-cache` reads files on", problems);
    }
    let pods = config.pods.iter().flatten().map(|pod| &pod.limits);
    for limits in [&attacker.limits, &config.victim.limits].into_iter().chain(pods) {
        if let Some(io) = limits.as_ref().and_then(|limits| limits.io.as_ref()) {
            lacks(node, Resource::Disk, io.spot, "`io` limits", problems);
        }
    }
    // Who looks around speaks of what can be seen, which no node bounds.
    if workload.is_some_and(|found| found.value == Workload::Look) {
        return;
    }
    for expectation in &config.written.expect {
        if let Target::Named(resource, probe) = &expectation.target {
            let spot = spot_of(expectation.position, *resource, probe.as_deref());
            lacks(node, *resource, spot, "`expect` names", problems);
        }
    }
}

fn spot_of(position: Position, resource: Resource, probe: Option<&str>) -> Spot {
    let width = resource.name().len() + probe.map_or(0, |probe| 1 + probe.len());
    Spot { position, width }
}

fn lacks(node: NodeSpec, resource: Resource, spot: Spot, who: &str, problems: &mut Problems) {
    let Some((key, example)) = part_of(resource).filter(|_| !node.has(resource)) else { return };
    problems
        .add(spot, format!("{who} the {resource} of the node, but the node has no `{key}`"))
        .help(format!("give it one: `node: {{{key}: {example}}}`"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_runs_where_the_node_has_what_it_asks() {
        let bare = NodeSpec::default();
        assert!(bare.has(Resource::Cpu) && bare.runs("cpu/work"));
        assert!(!bare.has(Resource::Disk) && !bare.runs("disk/fsync") && !bare.runs("disk"));
        assert!(!bare.runs("network/rtt"));
        let both = NodeSpec {
            disk_bytes: Some(256 << 20),
            uplink_bits_per_second: Some(100_000_000),
            ..bare
        };
        assert!(both.runs("disk/fsync") && both.runs("network/rtt"));
        assert_eq!(both.probes().count(), PROBES.len());
        assert_eq!(
            both.to_string(),
            "2 CPUs, 512Mi of memory, 512 tasks, 256Mi of disk, an uplink of 100M bit/s"
        );
    }

    #[test]
    fn the_victim_needs_a_task_for_each_probe() {
        let bare = NodeSpec::default();
        let probes = u64::try_from(bare.probes().count()).unwrap();
        assert_eq!(bare.victim_min_pids(), probes + 2);
        assert_eq!(bare.room_for_workers(), 512 - 1 - bare.victim_min_pids());
        assert_eq!(NodeSpec::NONE.room_for_workers(), u64::MAX);
    }
}
