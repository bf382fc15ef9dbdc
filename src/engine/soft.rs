//! Files of cgroup v2 that hold an amount and no hard limit: what the kernel counts of them (cgroup-v2.rst, "Memory Interface Files",
//! "CPU Interface Files").
//!
//! That usage passes `memory.high` is how it works, and that it stays below proves nothing. So nothing is called a breach here but a
//! value that no longer reads back; the counters are evidence for the reader.

use crate::cgroup::{Group, Setting};
use crate::record::{Ceiling, CeilingLevel};

struct Soft {
    file: &'static str,
    /// The kernel's file and the key in it that count what the setting did.
    event: Option<(&'static str, &'static str)>,
    /// Whether the peak of memory is to be compared with it.
    of_memory: bool,
    meaning: &'static str,
}

const SOFT: [Soft; 6] = [
    Soft {
        file: "memory.high",
        event: Some(("memory.events", "high")),
        of_memory: true,
        meaning: "above it the kernel reclaims and slows down, and refuses nothing: what is counted is how often",
    },
    Soft {
        file: "memory.low",
        event: Some(("memory.events", "low")),
        of_memory: true,
        meaning: "memory below it is taken last: what is counted is how often it was taken all the same",
    },
    Soft {
        file: "memory.min",
        event: None,
        of_memory: true,
        meaning: "memory below it is never taken; the kernel counts nothing",
    },
    Soft {
        file: "memory.swap.high",
        event: Some(("memory.swap.events", "high")),
        of_memory: false,
        meaning: "above it the kernel slows down who swaps: what is counted is how often",
    },
    Soft {
        file: "memory.oom.group",
        event: Some(("memory.events", "oom_group_kill")),
        of_memory: false,
        meaning: "who runs out of memory is killed with the whole group: what is counted is how often",
    },
    Soft {
        file: "cpu.max.burst",
        event: Some(("cpu.stat", "nr_bursts")),
        of_memory: false,
        meaning: "microseconds that an unused quota may be saved up to: what is counted is in how many periods they were used",
    },
];

/// The ceiling of such a file; `None` for all others.
#[must_use]
pub fn ceiling(setting: &Setting, attacker: &Group) -> Option<Ceiling> {
    let soft = SOFT.iter().find(|soft| soft.file == setting.file)?;
    let counters = attacker.counters();
    let peak = soft.of_memory.then(|| counters.memory_peak()).flatten();
    let count = soft.event.and_then(|(file, key)| counters.event(&setting.controller, file, key));
    Some(Ceiling {
        resource: setting.resource,
        knob: setting.file.clone(),
        limit: setting.value.parse().unwrap_or(0),
        peak: peak.as_ref().map(|peak| peak.value),
        peak_source: peak.map_or("none", |peak| peak.file).to_owned(),
        counter: soft.event.filter(|_| count.is_some()).map(|(file, key)| format!("{file} {key}")),
        count,
        kept: true,
        level: CeilingLevel::Inferred,
        node_peak: None,
        note: format!(
            "no hard limit: {} was written, and read again after every block; {}",
            setting.value, soft.meaning
        ),
    })
}

/// Microseconds that a group may have saved up and then use beyond its quota.
#[must_use]
pub fn burst_us(settings: &[Setting]) -> u64 {
    let burst = settings.iter().find(|setting| setting.file == "cpu.max.burst");
    burst.and_then(|setting| setting.value.parse().ok()).unwrap_or(0)
}
