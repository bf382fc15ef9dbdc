//! Proving the ceilings: what the limit was, what the peak was, who refused, and whether it stayed in force.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::analyze;
use crate::cgroup::{CPU_PERIOD_US, Group, Setting};
use crate::node::Node;
use crate::record::{Ceiling, CeilingLevel};
use crate::sandbox::Sandbox;
use crate::scenario::Resource;

/// Memory may pass its limit by a batch of charged pages on each CPU (`MEMCG_CHARGE_BATCH` of mm/memcontrol.c: 64).
const MEMORY_BATCH: u64 = 64 * 4096;

/// A quota is held when the rate is close to it in the sense of the kernel's own selftests: the difference is at most
/// 10 % of the sum of both (tools/testing/selftests/cgroup, `values_close`), so at most 11/9 of the limit.
const QUOTA_TOLERANCE: f64 = 2.0 / 9.0;

/// What is watched of the attacker's limits while a case runs.
#[derive(Debug)]
pub struct Watchdog {
    cpus: u64,
    refused_before: Option<u64>,
    memory_refused_before: Option<u64>,
    throttled_before: Option<u64>,
    sampled_pids: u64,
    sampled_node_pids: u64,
    busiest_us: u64,
    /// Findings against the limits: values that changed, processes that left. Each once.
    broken: BTreeSet<String>,
    /// Processes found alive outside the cgroup.
    pub escaped: BTreeSet<String>,
}

impl Watchdog {
    /// Begins before the first attack, on a machine with this many CPUs.
    #[must_use]
    pub fn new(attacker: &Group, cpus: u64) -> Self {
        let counters = attacker.counters();
        Self {
            cpus,
            refused_before: counters.pids_refusals().map(|(_, count)| count),
            memory_refused_before: counters.memory_refusals().map(|(_, count)| count),
            throttled_before: counters.cpu_throttled(),
            sampled_pids: 0,
            sampled_node_pids: 0,
            busiest_us: 0,
            broken: BTreeSet::new(),
            escaped: BTreeSet::new(),
        }
    }

    /// Looks at the end of a block: are the limits still what was written, and how much is used?
    pub fn look(&mut self, attacker: &Sandbox, node: &Node) {
        for setting in &attacker.settings {
            match attacker.group.still_set(setting) {
                Ok((true, _)) => {}
                Ok((false, seen)) => {
                    self.broken.insert(format!(
                        "{} reads {seen} though {} was written",
                        setting.file, setting.value
                    ));
                }
                Err(error) => {
                    self.broken.insert(error.to_string());
                }
            }
        }
        let pids = |group: &Group| group.counters().pids().unwrap_or(0);
        self.sampled_pids = self.sampled_pids.max(pids(&attacker.group));
        self.sampled_node_pids = self.sampled_node_pids.max(pids(&node.group));
    }

    /// Notes how much CPU the attacker used in an on-block.
    pub fn used_cpu(&mut self, used_us: u64, elapsed: Duration) {
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        self.busiest_us = self.busiest_us.max(used_us * CPU_PERIOD_US / elapsed_us);
    }

    /// The ceilings of all limits that are amounts.
    #[must_use]
    pub fn ceilings(&self, attacker: &Sandbox, node: &Node) -> Vec<Ceiling> {
        attacker
            .settings
            .iter()
            .filter(|setting| setting.limit > 0 && !setting.only_with_swap)
            .map(|setting| self.ceiling(setting, attacker, node))
            .collect()
    }

    fn ceiling(&self, setting: &Setting, attacker: &Sandbox, node: &Node) -> Ceiling {
        let mut ceiling = match setting.resource {
            Resource::Memory => self.memory(setting, attacker, node),
            Resource::Cpu => self.quota(setting, attacker),
            _ => self.pids(setting, attacker, node),
        };
        let broken: Vec<&str> = self
            .broken
            .iter()
            .filter(|finding| finding.contains(&setting.file))
            .chain(&self.escaped)
            .map(String::as_str)
            .collect();
        if !broken.is_empty() {
            ceiling.kept = false;
            ceiling.note = format!("{}; {}", broken.join("; "), ceiling.note);
        }
        for reason in &attacker.skipped {
            ceiling.note = format!("{}; {reason}", ceiling.note);
        }
        ceiling
    }

    fn pids(&self, setting: &Setting, attacker: &Sandbox, node: &Node) -> Ceiling {
        let peak_of = |group: &Group, sampled: u64| match group.counters().pids_peak() {
            Some(peak) => (peak.value, peak.file),
            None => (sampled, "sampled"),
        };
        let (peak, peak_source) = peak_of(&attacker.group, self.sampled_pids);
        let (node_peak, _) = peak_of(&node.group, self.sampled_node_pids);
        let refused = attacker.group.counters().pids_refusals();
        let count = refused.map(|(_, count)| count - self.refused_before.unwrap_or(0).min(count));
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: Some(peak),
            peak_source: peak_source.to_owned(),
            counter: refused.map(|(name, _)| name.to_owned()),
            count,
            kept: analyze::kept(setting.limit, Some(peak), 0.0),
            level: analyze::level(
                Some(peak),
                setting.limit,
                count,
                Some(node_peak),
                Some(node.spec.pids),
            ),
            node_peak: Some(node_peak),
            note: "one task of these is ours: the sandbox's init, which is also its supervisor"
                .to_owned(),
        }
    }

    fn memory(&self, setting: &Setting, attacker: &Sandbox, node: &Node) -> Ceiling {
        let peak = attacker.group.counters().memory_peak();
        let node_peak = node.group.counters().memory_peak().map(|peak| peak.value);
        let refused = attacker.group.counters().memory_refusals();
        let count =
            refused.map(|(_, count)| count - self.memory_refused_before.unwrap_or(0).min(count));
        let value = peak.as_ref().map(|peak| peak.value);
        #[expect(clippy::cast_precision_loss, reason = "a share of a limit needs no exactness")]
        let slack = (MEMORY_BATCH * self.cpus) as f64 / setting.limit.max(1) as f64;
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: value,
            peak_source: peak.map_or("none", |peak| peak.file).to_owned(),
            counter: refused.map(|(name, _)| name.to_owned()),
            count,
            kept: analyze::kept(setting.limit, value, slack),
            level: analyze::level(
                value,
                setting.limit,
                count,
                node_peak,
                Some(node.spec.memory_bytes),
            ),
            node_peak,
            note: "memory of the sandbox's init and supervisor is counted too".to_owned(),
        }
    }

    fn quota(&self, setting: &Setting, attacker: &Sandbox) -> Ceiling {
        let throttled = attacker.group.counters().cpu_throttled();
        let count = throttled.map(|count| count - self.throttled_before.unwrap_or(0).min(count));
        let kept = analyze::kept(setting.limit, Some(self.busiest_us), QUOTA_TOLERANCE);
        let held_by_own = kept && count.is_some_and(|count| count > 0);
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: Some(self.busiest_us),
            peak_source: "cpu usage of the busiest on-block".to_owned(),
            counter: throttled.map(|_| "cpu.stat nr_throttled".to_owned()),
            count,
            kept,
            level: if held_by_own { CeilingLevel::Sandbox } else { CeilingLevel::Inferred },
            node_peak: None,
            note: format!("microseconds of CPU in each period of {CPU_PERIOD_US}"),
        }
    }
}
