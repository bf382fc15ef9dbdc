//! What a reader must see first, worst first. Nothing is judged here: the verdicts, and what was expected, are the record's.

use super::unmet::unmet_of;
use crate::record::{Case, Report, ScenarioRecord, Verdict};
use crate::scenario::Control;

/// Why a case is worth a line of its own, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Something came out otherwise than the scenario expects.
    Unmet,
    /// The harness failed, or the sham leaks: what else is said cannot be relied on.
    Untrusted,
    /// It leaks in spite of its limits, and nobody minds or everybody expected it.
    Leak,
    /// No verdict: inconclusive or vacuous.
    Unclear,
    /// The machine cannot run it.
    Skipped,
    /// It leaks without limits, as an attack should.
    Open,
}

impl Group {
    /// All of them, worst first.
    pub const ALL: [Self; 6] =
        [Self::Unmet, Self::Untrusted, Self::Leak, Self::Unclear, Self::Skipped, Self::Open];

    /// As a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Unmet => "Not as expected",
            Self::Untrusted => "Not to be trusted",
            Self::Leak => "Leaks in spite of limits",
            Self::Unclear => "No verdict",
            Self::Skipped => "Skipped",
            Self::Open => "Leaks without limits, as an attack should",
        }
    }
}

/// A case that is worth a line of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding<'a> {
    pub group: Group,
    pub scenario: &'a ScenarioRecord,
    pub case: &'a Case,
    /// Where the case stands in the record: the index of its scenario, and its own within that.
    pub place: (usize, usize),
}

/// All findings, worst first; equals in the order of the record.
pub(super) fn findings(report: &Report) -> Vec<Finding<'_>> {
    let mut found: Vec<Finding<'_>> = Vec::new();
    for (first, scenario) in report.scenarios.iter().enumerate() {
        for (second, case) in scenario.cases.iter().enumerate() {
            if let Some(group) = group_of(case) {
                found.push(Finding { group, scenario, case, place: (first, second) });
            }
        }
    }
    found.sort_by_key(|finding| {
        let severity = finding.case.verdict.severity();
        (finding.group, std::cmp::Reverse(severity))
    });
    found
}

fn group_of(case: &Case) -> Option<Group> {
    let sham = case.control == Some(Control::Sham);
    if unmet_of(case).next().is_some() {
        return Some(Group::Unmet);
    }
    match case.verdict {
        Verdict::Error => Some(Group::Untrusted),
        verdict if verdict.leaks() && sham => Some(Group::Untrusted),
        verdict if verdict.leaks() && case.control == Some(Control::Open) => Some(Group::Open),
        verdict if verdict.leaks() => Some(Group::Leak),
        Verdict::Inconclusive | Verdict::Vacuous => Some(Group::Unclear),
        Verdict::Skipped => Some(Group::Skipped),
        _ => None,
    }
}
