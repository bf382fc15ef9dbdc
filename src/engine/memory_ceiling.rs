//! Proving a limit of memory: its peak, how often it was hit, and how many processes that cost.
//!
//! A hit is a charge that did not fit: `memory.failcnt` or, where memory and swap have one limit, `memory.memsw.failcnt` on version 1,
//! `max` of `memory.events` on version 2. Each names the group whose limit it was. A kill is booked at the group of the
//! dead process, whoever's limit was hit (`memcg_memory_event` in mm/oom_kill.c): it tells what the limit cost, and proves
//! whose it was only where the own peak is at the limit and the node was not full. That must do where nobody counts hits: on
//! version 1 of Linux 6.18 `memory.memsw.failcnt` stays 0 too.

use crate::analyze;
use crate::cgroup::{Group, Setting};
use crate::node::Node;
use crate::record::{Ceiling, CeilingLevel, OomKills};

/// Memory may pass its limit by a batch of charged pages on each CPU (`MEMCG_CHARGE_BATCH` of linux/memcontrol.h: 64), and stay as
/// far below it when the kernel refuses, because what other CPUs have in reserve is counted.
const BATCH: u64 = 64 * 4096;

/// What is watched of the attacker's memory while a case runs.
#[derive(Debug)]
pub struct Seen {
    cpus: u64,
    hits_before: u64,
    sampled: u64,
}

impl Seen {
    /// Begins before the first attack, on a machine with this many CPUs.
    pub fn new(attacker: &Group, cpus: u64) -> Self {
        let hits = attacker.counters().memory_refusals();
        Self { cpus, hits_before: hits.map_or(0, |(_, count)| count), sampled: 0 }
    }

    /// Looks at the end of a block, for kernels without a peak file.
    pub fn look(&mut self, attacker: &Group) {
        self.sampled = self.sampled.max(attacker.counters().memory().unwrap_or(0));
    }

    /// What is within reach of a limit, in bytes.
    const fn slack(&self) -> u64 {
        BATCH * self.cpus
    }
}

/// The ceiling of memory, or of memory and swap together.
pub fn ceiling(setting: &Setting, (attacker, node): (&Group, &Node), seen: &Seen) -> Ceiling {
    let counters = attacker.counters();
    let (peak, peak_source) = match counters.memory_peak() {
        Some(peak) => (peak.value, peak.file),
        None => (seen.sampled, "sampled"),
    };
    let node_peak = node.group.counters().memory_peak().map(|peak| peak.value);
    let hits = counters
        .memory_refusals()
        .map(|(name, count)| (name, count.saturating_sub(seen.hits_before)));
    let kills = counters.oom_kills().filter(|&(_, count)| count > 0);
    let refusals = [hits, kills].into_iter().flatten().map(|(_, count)| count).max();
    let slack = seen.slack();
    let level = analyze::level(
        Some(peak),
        setting.limit.saturating_sub(slack),
        refusals,
        node_peak,
        node.spec.capacity(node.spec.memory_bytes.saturating_sub(slack)),
    );
    // Where the node was full, its OOM killer may have been the one.
    let kills = kills.filter(|_| level != CeilingLevel::Node);
    let counted = kills.or(hits);
    #[expect(clippy::cast_precision_loss, reason = "a share of a limit needs no exactness")]
    let tolerance = slack as f64 / setting.limit.max(1) as f64;
    let times = match (kills, hits) {
        (Some(_), Some((name, count))) => format!("; the limit was hit {count} times ({name})"),
        _ => String::new(),
    };
    Ceiling {
        resource: setting.resource,
        knob: setting.file.clone(),
        limit: setting.limit,
        peak: Some(peak),
        peak_source: peak_source.to_owned(),
        counter: counted.map(|(name, _)| name.to_owned()),
        count: counted.map(|(_, count)| count),
        kept: analyze::kept(setting.limit, Some(peak), tolerance),
        level,
        node_peak,
        note: format!("memory of the sandbox's init and supervisor is counted too{times}"),
    }
}

/// Swap of version 2, which is counted by itself. The kernel refuses to swap out more, and counts that; nobody fails by it.
pub fn swap(setting: &Setting, attacker: &Group, sampled: u64) -> Ceiling {
    let counters = attacker.counters();
    let (peak, peak_source) = match counters.swap_peak() {
        Some(peak) => (peak.value, peak.file),
        None => (sampled, "sampled"),
    };
    let count = counters.event("memory", "memory.swap.events", "max");
    Ceiling {
        resource: setting.resource,
        knob: setting.file.clone(),
        limit: setting.limit,
        peak: Some(peak),
        peak_source: peak_source.to_owned(),
        counter: count.map(|_| "memory.swap.events max".to_owned()),
        count,
        kept: analyze::kept(setting.limit, Some(peak), 0.0),
        level: CeilingLevel::Inferred,
        node_peak: None,
        note: "what is refused here stays in memory".to_owned(),
    }
}

/// Whom the OOM killer took.
pub fn oom_kills(attacker: &Group, victim: &Group) -> OomKills {
    let of = |group: &Group| group.counters().oom_kills().map(|(_, count)| count);
    OomKills { attacker: of(attacker), victim: of(victim) }
}
