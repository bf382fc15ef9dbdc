//! The keys of an attacker that say how it eats memory.

use std::ops::RangeInclusive;

use crate::scenario::diagnostic::Problems;
use crate::scenario::node::Entry;
use crate::scenario::units;
use crate::scenario::written::{Located, MemoryWritten};
use crate::scenario::{NODE_MEMORY, OomChoice, words};

pub(in crate::scenario) const KEYS: [&str; 5] = ["size", "workers", "rate", "allocations", "oom"];

/// Workers that may share in the memory.
pub(in crate::scenario) const WORKERS: RangeInclusive<u64> = 1..=256;

/// Allocations that may follow each other.
pub(in crate::scenario) const ALLOCATIONS: RangeInclusive<u64> = 1..=1000;

/// Reads one of [`KEYS`]; false for any other.
pub(in crate::scenario) fn key(
    entry: &Entry,
    memory: &mut MemoryWritten,
    problems: &mut Problems,
) -> bool {
    match entry.key.as_str() {
        "size" => memory.size = bytes(entry, 1 << 20..=*NODE_MEMORY.end(), problems),
        "rate" => memory.rate = bytes(entry, 1 << 20..=*NODE_MEMORY.end(), problems),
        "workers" => memory.workers = words::count(&entry.value, "`workers`", WORKERS, problems),
        "allocations" => {
            memory.allocations = words::count(&entry.value, "`allocations`", ALLOCATIONS, problems);
        }
        "oom" => {
            let legal = OomChoice::ALL.map(|choice| (choice.name(), choice));
            memory.oom = words::word(&entry.value, "`oom`", "choice", &legal, &[], problems);
        }
        _ => return false,
    }
    true
}

fn bytes(
    entry: &Entry,
    range: RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<Located<u64>> {
    let what = format!("`{}`", entry.key);
    let found = words::quantity(&entry.value, &what, units::parse_bytes, problems)?;
    if range.contains(&found.value) {
        return Some(found);
    }
    let (low, high) = (units::format_bytes(*range.start()), units::format_bytes(*range.end()));
    problems.add(found.spot, format!("{what} must be between {low} and {high}"));
    None
}
