//! `net`: what a sandbox may send and receive, as one rate for both or as a map.

use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Kind, Node};
use crate::scenario::written::{LimitsWritten, Located};
use crate::scenario::{NODE_UPLINK, units, words};

/// The keys of the map.
pub(in crate::scenario) const KEYS: &[&str] = &["egress", "ingress"];

/// Reads `net: 10M`, or `net: {egress: 10M, ingress: 20M}`.
pub(super) fn net(value: &Node, limits: &mut LimitsWritten, problems: &mut Problems) {
    if !matches!(value.kind, Kind::Map(_)) {
        let both = rate(value, "`net`", problems);
        limits.net_egress.clone_from(&both);
        limits.net_ingress = both;
        return;
    }
    for entry in words::map(value, "`net`", problems).unwrap_or_default() {
        match entry.key.as_str() {
            "egress" => limits.net_egress = rate(&entry.value, "`egress`", problems),
            "ingress" => limits.net_ingress = rate(&entry.value, "`ingress`", problems),
            key => words::unknown(problems, entry.key_spot, "key in `net`", key, KEYS, &[]),
        }
    }
}

/// A rate that could be an uplink's.
fn rate(value: &Node, what: &str, problems: &mut Problems) -> Option<Located<u64>> {
    let found = words::quantity(value, what, units::parse_bits, problems)?;
    if NODE_UPLINK.contains(&found.value) {
        return Some(found);
    }
    let ends = [NODE_UPLINK.start(), NODE_UPLINK.end()].map(|&end| units::format_bits(end));
    let message = format!("{what} must be between {} and {} bits per second", ends[0], ends[1]);
    problems.add(found.spot, message);
    None
}
