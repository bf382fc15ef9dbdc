//! `trials`: how many pairs of blocks a case begins with, how long a block is, and for how long more may be added.

use std::ops::RangeInclusive;

use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Kind, Node};
use crate::scenario::written::{Located, TrialsWritten};
use crate::scenario::{units, words};

/// Pairs of each kind that a case may begin with.
pub(in crate::scenario) const PAIRS: RangeInclusive<u64> = 1..=100;

/// Milliseconds that the blocks of a case may take.
pub(in crate::scenario) const BUDGET_MS: RangeInclusive<u64> = 1_000..=600_000;

/// Milliseconds of a block. Two of them in a row are one stretch of attack, which must end before the dead-man timer of 30 s.
pub(in crate::scenario) const BLOCK_MS: RangeInclusive<u64> = 100..=10_000;

/// The keys of the long form.
pub(in crate::scenario) const KEYS: &[&str] = &["pairs", "block", "budget"];

/// Reads `12` or `{pairs: 12, budget: 30s}`.
pub(in crate::scenario) fn trials(node: &Node, problems: &mut Problems) -> TrialsWritten {
    let mut trials = TrialsWritten::default();
    if let Kind::Scalar(_) = node.kind {
        trials.pairs = words::count(node, "`trials`", PAIRS, problems);
        return trials;
    }
    let Some(entries) = words::map(node, "`trials`", problems) else {
        if let Some(problem) = problems.last() {
            problem.help("write a number of pairs, or `{pairs: 12, budget: 30s}`");
        }
        return trials;
    };
    for entry in entries {
        match entry.key.as_str() {
            "pairs" => trials.pairs = words::count(&entry.value, "`pairs`", PAIRS, problems),
            "block" => {
                let rule = (
                    "`block` must be between 100ms and 10s",
                    "it is the length of one block; two of them are a stretch of attack",
                );
                trials.block_ms = millis(&entry.value, ("`block`", BLOCK_MS), rule, problems);
            }
            "budget" => {
                let rule = (
                    "`budget` must be between 1s and 10m",
                    "it bounds the time of one case's blocks",
                );
                trials.budget_ms = millis(&entry.value, ("`budget`", BUDGET_MS), rule, problems);
            }
            key => words::unknown(problems, entry.key_spot, "key in `trials`", key, KEYS, &[]),
        }
    }
    trials
}

fn millis(
    node: &Node,
    (what, range): (&str, RangeInclusive<u64>),
    (message, help): (&str, &str),
    problems: &mut Problems,
) -> Option<Located<u64>> {
    let got = words::quantity(node, what, units::parse_duration, problems)?;
    let millis = u64::try_from(got.value.as_millis()).unwrap_or(u64::MAX);
    if range.contains(&millis) {
        return Some(Located { value: millis, spot: got.spot });
    }
    problems.add(got.spot, message).help(help);
    None
}
