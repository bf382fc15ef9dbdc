//! Limits of pods: whether they stayed in force, how much all sandboxes of the pod used together, and who was refused by it.

use std::collections::BTreeSet;

use super::memory_ceiling as memory;
use crate::analyze;
use crate::cgroup::{Group, Setting};
use crate::node::Node;
use crate::record::{CasePod, Ceiling, CeilingLevel};
use crate::sandbox::Pod;
use crate::scenario::{Config, Resource};

/// What is watched of one pod's limits while a case runs.
#[derive(Debug)]
pub struct PodWatch {
    refused_before: u64,
    throttled_before: u64,
    sampled_pids: u64,
    memory: memory::Seen,
    /// Values that changed: the file, and what it reads. Each once.
    broken: BTreeSet<(String, String)>,
}

impl PodWatch {
    /// Begins before the first attack, on a machine with this many CPUs.
    #[must_use]
    pub fn new(pod: &Pod, attacker: &Group, cpus: u64) -> Self {
        Self {
            refused_before: refusals(pod, attacker).map_or(0, |(_, count)| count),
            throttled_before: pod.group.counters().cpu_throttled().unwrap_or(0),
            sampled_pids: 0,
            memory: memory::Seen::new(&pod.group, cpus),
            broken: BTreeSet::new(),
        }
    }

    /// Looks at the end of a block.
    pub fn look(&mut self, pod: &Pod) {
        self.broken.extend(pod.group.changed(&pod.settings));
        self.sampled_pids = self.sampled_pids.max(pod.group.counters().pids().unwrap_or(0));
        self.memory.look(&pod.group);
    }

    /// The ceilings of all of its limits.
    #[must_use]
    pub fn ceilings(&self, pod: &Pod, attacker: &Group, node: &Node) -> Vec<Ceiling> {
        let settings = pod.settings.iter();
        let ceilings =
            settings.filter(|it| it.limit > 0 || it.value != "0").filter(|it| !it.only_with_swap);
        ceilings.map(|setting| self.ceiling(setting, pod, attacker, node)).collect()
    }

    fn ceiling(&self, setting: &Setting, pod: &Pod, attacker: &Group, node: &Node) -> Ceiling {
        let mut ceiling = match (setting.resource, setting.file.as_str()) {
            (_, "pids.max") => self.pids(setting, pod, attacker, node),
            (_, "memory.max" | "memory.limit_in_bytes") => {
                memory::ceiling((setting, &pod.settings), (&pod.group, node), &self.memory)
            }
            _ => self.in_force(setting, pod),
        };
        if ceiling.level == CeilingLevel::Sandbox {
            ceiling.level = CeilingLevel::Pod;
        }
        ceiling.note = format!(
            "a limit of the pod {}: its pause process and all of its sandboxes count",
            pod.spec.name
        );
        for (_, finding) in self.broken.iter().filter(|(file, _)| *file == setting.file) {
            ceiling.kept = false;
            ceiling.note = format!("{finding}; {}", ceiling.note);
        }
        for reason in &pod.skipped {
            ceiling.note = format!("{}; {reason}", ceiling.note);
        }
        ceiling
    }

    fn pids(&self, setting: &Setting, pod: &Pod, attacker: &Group, node: &Node) -> Ceiling {
        let peak = pod.group.counters().pids_peak();
        let (peak, peak_source) =
            peak.map_or((self.sampled_pids, "sampled"), |peak| (peak.value, peak.file));
        let refused = refusals(pod, attacker);
        let count = refused.map(|(_, count)| count.saturating_sub(self.refused_before));
        let node_peak = node.group.counters().pids_peak().map(|peak| peak.value);
        let capacity = node.spec.capacity(node.spec.pids);
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: Some(peak),
            peak_source: peak_source.to_owned(),
            counter: refused.map(|(name, _)| name.to_owned()),
            count,
            kept: analyze::kept(setting.limit, Some(peak), 0.0),
            level: analyze::level(Some(peak), setting.limit, count, node_peak, capacity),
            node_peak,
            note: String::new(),
        }
    }

    /// A limit of which is known that it was in force; of a quota also how often somebody had to wait.
    fn in_force(&self, setting: &Setting, pod: &Pod) -> Ceiling {
        let throttled = pod.group.counters().cpu_throttled();
        let throttled =
            throttled.filter(|_| setting.resource == Resource::Cpu && setting.limit > 0);
        let count = throttled.map(|count| count.saturating_sub(self.throttled_before));
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: None,
            peak_source: "none".to_owned(),
            counter: count.map(|_| "cpu.stat nr_throttled".to_owned()),
            count,
            kept: true,
            level: match count {
                Some(1..) => CeilingLevel::Pod,
                _ => CeilingLevel::Inferred,
            },
            node_peak: None,
            note: String::new(),
        }
    }
}

/// Refused tasks: version 1, and version 2 before Linux 6.11, count them at the group that wanted one, whose limit ever it was.
fn refusals(pod: &Pod, attacker: &Group) -> Option<(&'static str, u64)> {
    let of = |group: &Group| group.counters().pids_refusals();
    [of(&pod.group), of(attacker)].into_iter().flatten().max_by_key(|&(_, count)| count)
}

/// The pods of a config for its record.
#[must_use]
pub fn recorded(config: &Config) -> Vec<CasePod> {
    let members = |pod: &str| {
        let own = config.sandboxes.iter().filter(|it| it.pod.as_deref() == Some(pod));
        own.map(|it| it.name.clone()).collect()
    };
    config
        .pods
        .iter()
        .map(|pod| CasePod { spec: pod.clone(), sandboxes: members(&pod.name) })
        .collect()
}
