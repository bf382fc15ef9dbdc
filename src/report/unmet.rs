//! Expectations that were not met, and those that do not count on this machine, in sentences. Text from files is not yet escaped.

use super::words::expected_of;
use crate::record::{Case, Expected, ScenarioRecord, Verdict, describe_cell};

/// An unmet expectation with its place, what was seen, and why.
pub(super) fn unmet_line(scenario: &ScenarioRecord, case: &Case, it: &Expected) -> String {
    let place = format!("{}:{}:{}", scenario.file, it.line, it.column);
    format!("{place}: {}{}", unmet_message(case, it), because(case, it))
}

/// `expected contained, seen denied (pids-64)`.
pub(super) fn unmet_message(case: &Case, it: &Expected) -> String {
    let seen = it.seen.as_deref().unwrap_or("nothing");
    format!("expected {}, seen {seen} ({})", expected_of(case, it), case.config)
}

/// `: ` and the reason, or nothing where there is none.
pub(super) fn because(case: &Case, it: &Expected) -> String {
    why(case, it).map_or_else(String::new, |why| format!(": {why}"))
}

/// Why an expectation does not count on this machine.
pub(super) fn skipped_line(case: &Case, it: &Expected) -> Option<String> {
    let why = it.skipped.as_ref()?;
    Some(format!("{}: {} is not expected here: {why}", case.config, expected_of(case, it)))
}

/// The expectations of a case that were not met.
pub(super) fn unmet_of(case: &Case) -> impl Iterator<Item = &Expected> {
    case.expectations.iter().filter(|it| it.met == Some(false))
}

/// True when an expectation is unmet only because nothing could be shown: that is no leak, and has an exit code of its own.
pub(super) fn is_inconclusive(it: &Expected) -> bool {
    it.seen.as_deref() == Some(Verdict::Inconclusive.name())
}

/// The case's reason for its own resource, the worst cell for another one; facts speak for themselves.
fn why(case: &Case, it: &Expected) -> Option<String> {
    if it.target == case.resource.name() {
        return Some(case.reason.clone());
    }
    case.cells
        .iter()
        .filter(|cell| cell.probe == it.target || cell.resource.name() == it.target)
        .max_by_key(|cell| cell.verdict.map(Verdict::severity))
        .map(|cell| describe_cell(cell) + ".")
}
