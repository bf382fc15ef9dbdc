//! Proving the ceilings: what the limit was, what the peak was, who refused, and whether it stayed in force.

use std::collections::BTreeSet;
use std::time::Instant;

use super::descriptors::Descriptors;
use super::io_ceiling::IoWatch;
use super::{bounds, memory_ceiling as memory, net_ceiling as net, soft};
use crate::analyze;
use crate::cgroup::{CPU_PERIOD_US, Group, Setting, parse_list};
use crate::node::{Disk, Node};
use crate::record::{Attack, BlockMode, BlockState, Ceiling, CeilingLevel};
use crate::sandbox::Sandbox;
use crate::scenario::Resource;

/// The kernel hands out a whole quota at the beginning of each period, and a stretch of time touches up to two periods
/// more than fit into it: so much more than its share may be used in it, however long it is.
const EXTRA_PERIODS: u64 = 2;

/// A task that has used up its quota runs on until the next tick looks at it (`account_cfs_rq_runtime` of kernel/sched/fair.c); what it
/// took too much is taken off the next periods. So a stretch may hold a tick more on each CPU, of 10 ms where `CONFIG_HZ` is 100, the
/// longest there is, in microseconds. For a quota of a few milliseconds that is much, for larger ones next to nothing.
const TICK_US: u64 = 10_000;

/// What is watched of the attacker's limits while a case runs.
#[derive(Debug)]
pub struct Watchdog {
    cpus: u64,
    refused_before: Option<u64>,
    memory: memory::Seen,
    throttled_before: Option<u64>,
    node_throttled_before: Option<u64>,
    by_cpu_before: Option<Vec<u64>>,
    sampled_pids: u64,
    sampled_node_pids: u64,
    sampled_swap: u64,
    bounds: bounds::Highest,
    /// Of the node's disk, where there is one.
    io: Option<IoWatch>,
    /// Of the limit on open files, where there is one.
    descriptors: Option<Descriptors>,
    link: net::Seen,
    stretch: Option<(Instant, u64)>,
    stretches: Vec<Stretch>,
    /// Values that changed: the file, and what it reads. Each once.
    broken: BTreeSet<(String, String)>,
    /// Processes found alive outside the cgroup.
    pub escaped: BTreeSet<String>,
}

impl Watchdog {
    /// Begins before the first attack, on a machine with this many CPUs; `nofile` is the attacker's limit on open files.
    #[must_use]
    pub fn new(attacker: &Group, node: &Group, cpus: u64, nofile: Option<u64>) -> Self {
        let counters = attacker.counters();
        Self {
            cpus,
            refused_before: counters.pids_refusals().map(|(_, count)| count),
            memory: memory::Seen::new(attacker, cpus),
            throttled_before: counters.cpu_throttled(),
            node_throttled_before: node.counters().cpu_throttled(),
            by_cpu_before: counters.cpu_usage_by_cpu(),
            sampled_pids: 0,
            sampled_node_pids: 0,
            sampled_swap: 0,
            bounds: bounds::Highest::default(),
            io: None,
            descriptors: nofile.map(Descriptors::new),
            link: net::Seen::default(),
            stretch: None,
            stretches: Vec::new(),
            broken: BTreeSet::new(),
            escaped: BTreeSet::new(),
        }
    }

    /// The same with an eye on the node's disk.
    #[must_use]
    pub fn with_disk(self, disk: Option<&Disk>) -> Self {
        Self { io: disk.map(IoWatch::new), ..self }
    }

    /// A block begins.
    pub fn block_begins(&mut self, disk: Option<&Disk>, attacker: &Group, victim: &Group) {
        if let (Some(io), Some(disk)) = (&mut self.io, disk) {
            io.block_begins(disk, attacker, victim);
        }
    }

    /// A block is over.
    pub fn block_ends(
        &mut self,
        disk: Option<&Disk>,
        groups: (&Group, &Group),
        what: (BlockState, BlockMode),
    ) {
        if let (Some(io), Some(disk)) = (&mut self.io, disk) {
            io.block_ends(disk, groups, what);
        }
    }

    /// Looks at the end of a block: are the limits still what was written, and how much is used?
    pub fn look(&mut self, attacker: &Sandbox, node: &Node) {
        self.broken.extend(attacker.group.changed(&attacker.settings));
        self.broken.extend(self.bounds.look(attacker));
        if let Some(uplink) = &node.uplink {
            self.broken.extend(net::Seen::look(&attacker.name, uplink));
        }
        let pids = |group: &Group| group.counters().pids().unwrap_or(0);
        self.sampled_pids = self.sampled_pids.max(pids(&attacker.group));
        self.sampled_node_pids = self.sampled_node_pids.max(pids(&node.group));
        self.memory.look(&attacker.group);
        self.sampled_swap = self.sampled_swap.max(attacker.group.counters().swap().unwrap_or(0));
        if let Some(descriptors) = &mut self.descriptors {
            descriptors.look(&attacker.group.processes());
        }
    }

    /// Before the attack is switched on or off: a stretch of attack begins, goes on, or is over. Its use of CPU is
    /// measured over all of it, as what its link carries is, because a block of 250 ms holds two or three quotas by chance.
    pub fn turning(&mut self, to: BlockState, attacker: &Sandbox, node: &Node) {
        let used = attacker.group.counters().cpu_usage_us();
        if let Some(uplink) = &node.uplink {
            self.link.turning(to, &attacker.name, uplink);
        }
        match (to, self.stretch, used) {
            (BlockState::On, None, Some(used)) => self.stretch = Some((Instant::now(), used)),
            (BlockState::Off, Some((begun, before)), Some(used)) => {
                self.stretch = None;
                self.stretches.push(Stretch {
                    used_us: used.saturating_sub(before),
                    elapsed_us: u64::try_from(begun.elapsed().as_micros())
                        .unwrap_or(u64::MAX)
                        .max(1),
                });
            }
            _ => {}
        }
    }

    /// The ceilings of all limits, amounts first. A file that only serves another's amount has none of its own. `attack` is what
    /// the attacker counted, for limits whose refusals nobody else counts.
    #[must_use]
    pub fn ceilings(&self, attacker: &Sandbox, node: &Node, attack: &Attack) -> Vec<Ceiling> {
        let of = |amounts: bool| {
            attacker
                .settings
                .iter()
                .filter(move |setting| (setting.limit > 0) == amounts)
                .filter(|setting| has_own(setting, &attacker.settings))
                .map(|setting| self.ceiling(setting, attacker, node))
        };
        let bounds = self.bounds.ceilings(attacker, node).into_iter();
        let bounds = bounds.map(|ceiling| self.with_findings(ceiling, attacker));
        let link = self.link.ceilings(node).into_iter();
        let link = link.map(|ceiling| self.with_findings(ceiling, attacker));
        let descriptors = self.descriptors.iter().map(|seen| seen.ceiling(attack));
        of(true).chain(bounds).chain(link).chain(descriptors).chain(of(false)).collect()
    }

    fn ceiling(&self, setting: &Setting, attacker: &Sandbox, node: &Node) -> Ceiling {
        let ceiling = match setting.resource {
            _ if setting.limit == 0 => soft::ceiling(setting, &attacker.group)
                .unwrap_or_else(|| self.setting(setting, attacker)),
            _ if setting.file == SWAP => memory::swap(setting, &attacker.group, self.sampled_swap),
            Resource::Disk => self
                .io
                .as_ref()
                .and_then(|io| io.ceiling(setting, attacker))
                .unwrap_or_else(|| self.setting(setting, attacker)),
            Resource::Memory => {
                let groups = (&attacker.group, node);
                memory::ceiling((setting, &attacker.settings), groups, &self.memory)
            }
            Resource::Cpu => self.quota(setting, attacker, node),
            _ => self.pids(setting, attacker, node),
        };
        self.with_findings(ceiling, attacker)
    }

    /// What was found of it after blocks: a value that changed, or a process outside its group.
    fn with_findings(&self, mut ceiling: Ceiling, attacker: &Sandbox) -> Ceiling {
        let broken: Vec<&str> = self
            .broken
            .iter()
            .filter(|(file, _)| {
                // Several rates are in one file.
                ceiling.knob.split(' ').next() == Some(file)
                    || served_by(file) == Some(ceiling.knob.as_str())
            })
            .map(|(_, finding)| finding)
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
                node.spec.capacity(node.spec.pids),
            ),
            node_peak: Some(node_peak),
            note: "one task of these is ours: the sandbox's init, which is also its supervisor"
                .to_owned(),
        }
    }

    /// A file that holds no amount: what can be proved is that it still reads what was written, and for CPUs that no other
    /// was used.
    fn setting(&self, setting: &Setting, attacker: &Sandbox) -> Ceiling {
        let is_cpuset = setting.file == "cpuset.cpus";
        let allowed = if is_cpuset { parse_list(&setting.value) } else { Vec::new() };
        let used = is_cpuset.then(|| self.cpus_used(&attacker.group)).flatten();
        let strangers = used.iter().flatten().filter(|cpu| !allowed.contains(cpu)).count();
        let count = |list: &Vec<u32>| u64::try_from(list.len()).unwrap_or(u64::MAX);
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: if is_cpuset { count(&allowed) } else { setting.value.parse().unwrap_or(0) },
            peak: used.as_ref().map(count),
            peak_source: used.as_ref().map_or("none", |_| "cpuacct.usage_percpu").to_owned(),
            counter: None,
            count: None,
            kept: strangers == 0,
            level: CeilingLevel::Inferred,
            node_peak: None,
            note: format!(
                "no amount: {} was written, and read again after every block{}",
                setting.value,
                self.io.as_ref().map_or_else(String::new, |io| io.weightless(setting))
            ),
        }
    }

    /// The CPUs on which the attacker was charged for time.
    fn cpus_used(&self, attacker: &Group) -> Option<Vec<u32>> {
        let now = attacker.counters().cpu_usage_by_cpu()?;
        let before = self.by_cpu_before.as_ref()?;
        let used = (0..).zip(now.iter().zip(before)).filter(|(_, (now, before))| now > before);
        Some(used.map(|(cpu, _)| cpu).collect())
    }

    fn quota(&self, setting: &Setting, attacker: &Sandbox, node: &Node) -> Ceiling {
        let throttled = attacker.group.counters().cpu_throttled();
        let count = throttled.map(|count| count - self.throttled_before.unwrap_or(0).min(count));
        let burst_us = soft::burst_us(&attacker.settings);
        let late_us = TICK_US * u64::from(node.spec.width()).min(self.cpus) + burst_us;
        let kept = self.stretches.iter().all(|stretch| stretch.is_within(setting.limit, late_us));
        let held_by_own = kept && count.is_some_and(|count| count > 0);
        let by_node = node.group.counters().cpu_throttled() > self.node_throttled_before;
        Ceiling {
            resource: setting.resource,
            knob: setting.file.clone(),
            limit: setting.limit,
            peak: self.stretches.iter().map(Stretch::per_period_us).max(),
            peak_source: "cpu usage of the busiest stretch of attack".to_owned(),
            counter: throttled.map(|_| "cpu.stat nr_throttled".to_owned()),
            count,
            kept,
            level: match (held_by_own, by_node) {
                (_, true) => CeilingLevel::Node,
                (true, false) => CeilingLevel::Sandbox,
                (false, false) => CeilingLevel::Inferred,
            },
            node_peak: None,
            note: format!(
                "microseconds of CPU in each period of {CPU_PERIOD_US}, on average over a stretch, which may hold \
                 {EXTRA_PERIODS} quotas more than periods and {} ms before the kernel notices{}; {} on average over all stretches",
                (late_us - burst_us) / 1000,
                match burst_us {
                    0 => String::new(),
                    saved => format!(", and {saved} saved up (cpu.max.burst)"),
                },
                Stretch::sum(&self.stretches).per_period_us()
            ),
        }
    }
}

const SWAP: &str = "memory.swap.max";

/// Whether a setting has a ceiling of its own: one that only says what another's amount means has none where that other is there. Swap
/// of version 2 is an amount by itself, unless it is none at all.
fn has_own(setting: &Setting, all: &[Setting]) -> bool {
    let server = served_by(&setting.file);
    let served = all.iter().any(|other| Some(other.file.as_str()) == server);
    !served || (setting.file == SWAP && setting.limit > 0)
}

/// The file that holds the amount, for a file that only says what the amount means.
fn served_by(file: &str) -> Option<&'static str> {
    match file {
        "cpu.cfs_period_us" => Some("cpu.cfs_quota_us"),
        "memory.memsw.limit_in_bytes" => Some("memory.limit_in_bytes"),
        "memory.swap.max" => Some("memory.max"),
        _ => None,
    }
}

/// The CPU time that the attacker used from one start of the attack to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    used_us: u64,
    elapsed_us: u64,
}

impl Stretch {
    /// All of them together.
    fn sum(stretches: &[Self]) -> Self {
        let used_us = stretches.iter().map(|stretch| stretch.used_us).sum();
        let elapsed_us = stretches.iter().map(|stretch| stretch.elapsed_us).sum::<u64>().max(1);
        Self { used_us, elapsed_us }
    }

    /// On average in each period.
    fn per_period_us(&self) -> u64 {
        self.used_us.saturating_mul(CPU_PERIOD_US) / self.elapsed_us
    }

    /// Whether a quota of so much in each period allows it, when the kernel may notice so late.
    fn is_within(&self, quota_us: u64, late_us: u64) -> bool {
        let time = self.elapsed_us.saturating_add(EXTRA_PERIODS * CPU_PERIOD_US);
        let used = self.used_us.saturating_sub(late_us);
        used.saturating_mul(CPU_PERIOD_US) <= quota_us.saturating_mul(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_may_hold_two_quotas_more_than_periods_and_no_third() {
        let stretch = |used_us| Stretch { used_us, elapsed_us: 600_000 };
        assert_eq!(stretch(300_000).per_period_us(), 50_000);
        assert!(stretch(400_000).is_within(50_000, 0));
        assert!(!stretch(400_001).is_within(50_000, 0));
        // A tenth of a CPU in a short stretch: four quotas in two and a half periods are the kernel's doing.
        assert!(Stretch { used_us: 40_000, elapsed_us: 250_000 }.is_within(10_000, 0));
        // One pod held at 660m was seen to use 1675m.
        assert!(!Stretch { used_us: 1_005_000, elapsed_us: 600_000 }.is_within(66_000, 20_000));
    }

    #[test]
    fn a_small_quota_may_be_passed_by_a_tick() {
        // Seen at 50m on an idle machine with CONFIG_HZ=250: 7,021 µs in each period of half a second.
        let seen = Stretch { used_us: 42_126, elapsed_us: 600_000 };
        assert!(!seen.is_within(5_000, 0) && seen.is_within(5_000, 10_000));
        assert!(!Stretch { used_us: 82_000, elapsed_us: 600_000 }.is_within(5_000, 20_000));
    }
}
