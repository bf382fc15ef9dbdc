//! `limits.io`: rates at the node's disk.

use std::ops::RangeInclusive;

use super::limits::WEIGHT;
use crate::scenario::diagnostic::Problems;
use crate::scenario::node::Node;
use crate::scenario::written::Located;
use crate::scenario::{IoLimits, units, words};

/// The keys of `io`.
pub(in crate::scenario) const KEYS: &[&str] = &["rbps", "wbps", "riops", "wiops", "weight"];

/// Bytes a second. A task cannot be killed while it waits for the device: below this rate, what an attacker has under way would take more than a second.
pub(in crate::scenario) const BYTES: RangeInclusive<u64> = 1 << 20..=1 << 40;

/// Operations a second, for the same reason.
pub(in crate::scenario) const OPERATIONS: RangeInclusive<u64> = 16..=10_000_000;

/// Reads the map.
pub(super) fn io(node: &Node, problems: &mut Problems) -> Option<Located<IoLimits>> {
    let entries = words::map(node, "`io`", problems)?;
    if entries.is_empty() {
        problems.add(node.spot, "`io` limits nothing").help("leave the key out instead");
        return None;
    }
    let mut io = IoLimits::default();
    for entry in entries {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let what = format!("`{key}`");
        match key {
            "rbps" => io.rbps = bytes(value, &what, problems),
            "wbps" => io.wbps = bytes(value, &what, problems),
            "riops" => io.riops = count(value, &what, OPERATIONS, problems),
            "wiops" => io.wiops = count(value, &what, OPERATIONS, problems),
            "weight" => io.weight = count(value, &what, WEIGHT, problems),
            _ => words::unknown(problems, entry.key_spot, "key in `io`", key, KEYS, &[]),
        }
    }
    Some(Located { value: io, spot: node.spot })
}

fn count(
    node: &Node,
    what: &str,
    range: RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<u64> {
    words::count(node, what, range, problems).map(|found| found.value)
}

fn bytes(node: &Node, what: &str, problems: &mut Problems) -> Option<u64> {
    let found = words::quantity(node, what, units::parse_bytes, problems)?;
    if BYTES.contains(&found.value) {
        return Some(found.value);
    }
    let (low, high) = (units::format_bytes(*BYTES.start()), units::format_bytes(*BYTES.end()));
    problems
        .add(found.spot, format!("{what} must be between {low} and {high} a second"))
        .help("at a lower rate a task that waits for the disk could not be killed within a second");
    None
}
