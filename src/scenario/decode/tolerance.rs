//! `tolerance`: how much slower is still no leak, by resource or probe.

use super::expect;
use crate::scenario::diagnostic::{Problems, quoted};
use crate::scenario::node::{Kind, Node};
use crate::scenario::units::{self, UnitError};
use crate::scenario::{Resource, Target, Tolerances, words};

/// Percent that a tolerance can be. Less than 1 % cannot be told from nothing; ten times as slow and more is no tolerance.
pub(in crate::scenario) const PERCENT: std::ops::RangeInclusive<u64> = 1..=1000;

/// For what is judged by throughput alone: with 100 % and more, nothing at all would be a leak.
const PERCENT_OF_CPU: std::ops::RangeInclusive<u64> = 1..=99;

/// Reads a map from resources and probes to percent.
pub(in crate::scenario) fn tolerance(node: &Node, problems: &mut Problems) -> Tolerances {
    let mut tolerances = Tolerances::default();
    let entries = words::map(node, "`tolerance`", problems).unwrap_or_else(|| {
        if let Kind::Scalar(_) = node.kind
            && let Some(problem) = problems.last()
        {
            problem.help("name the resources, such as `tolerance: {pids: 25%, cpu: 10%}`");
        }
        &[]
    });
    for entry in entries {
        let target = expect::target(&entry.key, entry.key_spot, problems);
        let what = format!("the tolerance of {}", quoted(&entry.key));
        let percent = words::quantity(&entry.value, &what, percent, problems);
        let (Some(Target::Named(resource, probe)), Some(percent)) = (target, percent) else {
            continue;
        };
        let range = if resource == Resource::Cpu { PERCENT_OF_CPU } else { PERCENT };
        match u16::try_from(percent.value) {
            Ok(legal) if range.contains(&percent.value) => {
                tolerances.0.insert((resource, probe), legal);
            }
            _ => {
                let (low, high) = (range.start(), range.end());
                let message = format!(
                    "{what} must be between {low} % and {high} %, but is {} %",
                    percent.value
                );
                let problem = problems.add(percent.spot, message);
                if resource == Resource::Cpu && percent.value > *range.end() {
                    problem.help(
                        "cpu is judged by throughput alone: with 100 %, even a victim that stands still would do",
                    );
                }
            }
        }
    }
    tolerances
}

/// Whole percent, with or without the sign.
fn percent(text: &str) -> Result<u64, UnitError> {
    units::parse_count(text.strip_suffix('%').unwrap_or(text))
}
