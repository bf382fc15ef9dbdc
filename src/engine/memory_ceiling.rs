//! Proving a limit of memory: its peak, how often it was hit, and how many processes that cost.
//!
//! A hit is a charge that did not fit: `memory.failcnt` or, where memory and swap have one limit, `memory.memsw.failcnt` on version 1,
//! `max` of `memory.events` on version 2. Each names the group whose limit it was. A kill is booked at the group of the
//! dead process, whoever's limit was hit (`memcg_memory_event` in mm/oom_kill.c): it tells what the limit cost, and proves
//! whose it was only where the own peak is at the limit and the node was not full. That must do where nobody counts hits: on
//! version 1 of Linux 6.18 `memory.memsw.failcnt` stays 0 too.
//!
//! `memory.max` of version 2 counts no swap. Where nothing limits that beside it, what does not fit goes there, the file is never passed, and
//! the sandbox holds as much more as there is swap: so both together are what is compared with the limit then.

use crate::analyze;
use crate::cgroup::{Group, Setting};
use crate::node::Node;
use crate::record::{Ceiling, CeilingLevel, OomKills, WITH_SWAP};

/// Memory may pass its limit by a batch of charged pages on each CPU (`MEMCG_CHARGE_BATCH` of linux/memcontrol.h: 64), and stay as
/// far below it when the kernel refuses, because what other CPUs have in reserve is counted.
const BATCH: u64 = 64 * 4096;

/// What is watched of the attacker's memory while a case runs.
#[derive(Debug)]
pub struct Seen {
    cpus: u64,
    hits_before: u64,
    sampled: u64,
    /// Memory and swap together, and how much lay in swap then.
    with_swap: (u64, u64),
}

impl Seen {
    /// Begins before the first attack, on a machine with this many CPUs.
    pub fn new(attacker: &Group, cpus: u64) -> Self {
        let hits = attacker.counters().memory_refusals();
        let hits_before = hits.map_or(0, |(_, count)| count);
        Self { cpus, hits_before, sampled: 0, with_swap: (0, 0) }
    }

    /// Looks at the end of a block: at memory for kernels without a peak file, and at its sum with swap, of which no kernel has a peak.
    pub fn look(&mut self, attacker: &Group) {
        let counters = attacker.counters();
        let memory = counters.memory().unwrap_or(0);
        self.sampled = self.sampled.max(memory);
        let swap = counters.swap().unwrap_or(0);
        // A page that has a place in swap and is still in memory is counted twice. Which they are the kernel tells since 5.12; before, the sum is unknown.
        let twice = counters.event("memory", "memory.stat", "swapcached").unwrap_or(swap);
        let in_all = memory.saturating_add(swap.saturating_sub(twice));
        self.with_swap = self.with_swap.max((in_all, swap));
    }

    /// What is within reach of a limit, in bytes.
    const fn slack(&self) -> u64 {
        BATCH * self.cpus
    }
}

/// Whether these settings leave swap open beside a limit of memory: version 2 has a file for each.
fn leaves_swap_open(settings: &[Setting]) -> bool {
    let has = |file: &str| settings.iter().any(|it| it.file == file && it.value != "max");
    has("memory.max") && !has("memory.swap.max")
}

/// The ceiling of memory, or of memory and swap together; `all` are the settings of the group.
pub fn ceiling(
    (setting, all): (&Setting, &[Setting]),
    (attacker, node): (&Group, &Node),
    seen: &Seen,
) -> Ceiling {
    let counters = attacker.counters();
    let (peak, peak_source) = match counters.memory_peak() {
        Some(peak) => (peak.value, peak.file),
        None => (seen.sampled, "sampled"),
    };
    let (in_all, swap) = if leaves_swap_open(all) { seen.with_swap } else { (0, 0) };
    let (peak, peak_source) = match in_all > peak {
        true => (in_all, WITH_SWAP),
        false => (peak, peak_source),
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
    let open = match swap {
        0 => String::new(),
        _ => format!(
            "; swap is left open beside it and held {swap} bytes: `memory.swap.max`, or `memory` of `limits`, closes it"
        ),
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
        note: format!("memory of the sandbox's init and supervisor is counted too{times}{open}"),
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

#[cfg(test)]
mod tests {
    use super::leaves_swap_open;
    use crate::cgroup::{Version, settings};
    use crate::scenario::Limits;

    #[test]
    fn swap_is_open_where_only_the_file_of_memory_is_written() {
        let of = |limits: &Limits, version| leaves_swap_open(&settings(limits, &|_| version));
        let by_name = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
        assert!(!of(&by_name, Version::V2) && !of(&by_name, Version::V1));
        let by_file = |files: &[(&str, &str)]| {
            let unified = files.iter().map(|&(file, value)| (file.to_owned(), value.to_owned()));
            of(&Limits { unified: unified.collect(), ..Limits::default() }, Version::V2)
        };
        assert!(by_file(&[("memory.max", "67108864")]));
        assert!(by_file(&[("memory.max", "67108864"), ("memory.swap.max", "max")]));
        assert!(!by_file(&[("memory.max", "67108864"), ("memory.swap.max", "1048576")]));
        assert!(!by_file(&[("memory.high", "67108864")]));
    }
}
