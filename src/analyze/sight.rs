//! What a look around shows: hidden, visible or reachable. Nothing is measured in time, so there is nothing to be uncertain of: what was
//! planted was there, and it was found or not.

use std::collections::BTreeMap;

use super::tolerance::{resource_of_sight, tolerance_of};
use crate::record::{Case, Cell, CellKind, QuietSample, Verdict, describe_cell};

/// One attempt to see or to reach something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// What was tried.
    pub what: &'a str,
    /// Whether success means that something was reached and not only seen.
    pub reach: bool,
    /// Why it failed, by the name of an errno or `absent`; `None` when it succeeded.
    pub failure: Option<&'a str>,
}

/// The cell of a probe `what/whose`; `None` for a name that is none, or without an attempt.
#[must_use]
pub fn judge_sight(probe: &str, tried: &[Tried<'_>]) -> Option<Cell> {
    let resource = resource_of_sight(probe)?;
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    for failure in tried.iter().filter_map(|it| it.failure) {
        *failures.entry(failure.to_owned()).or_insert(0) += 1;
    }
    let succeeded = |reach: bool| {
        let of = tried.iter().filter(move |it| it.failure.is_none() && it.reach == reach);
        of.map(|it| it.what.to_owned())
    };
    let found: Vec<String> = succeeded(true).chain(succeeded(false)).collect();
    let verdict = if tried.is_empty() {
        return None;
    } else if succeeded(true).next().is_some() {
        Verdict::Reachable
    } else if succeeded(false).next().is_some() {
        Verdict::Visible
    } else {
        Verdict::Hidden
    };
    Some(Cell {
        resource,
        probe: probe.to_owned(),
        kind: CellKind::Visibility,
        verdict: Some(verdict),
        via: None,
        attempts: u64::try_from(tried.len()).unwrap_or(u64::MAX),
        failures,
        found,
        quiet: QuietSample::default(),
        isol: None,
        lat_imp: None,
        lat_growth_ns: None,
        lat_floor_ns: 0.0,
        net: None,
        beside_placebo: None,
        faster: false,
        tolerance: tolerance_of(resource),
        latency_pairs: 0,
        capacity_pairs: 0,
        missing: 0,
    })
}

/// The cells of a case that no block is needed for.
#[must_use]
pub fn sights(case: &Case) -> Vec<Cell> {
    case.cells.iter().filter(|cell| cell.kind == CellKind::Visibility).cloned().collect()
}

/// The worst of all that was looked for, and what that was.
pub(super) fn weigh(case: &Case) -> (Verdict, String) {
    let verdict = |cell: &Cell| cell.verdict.unwrap_or(Verdict::Inconclusive);
    let severity = |cell: &Cell| verdict(cell).severity();
    let Some(worst) = case.cells.iter().map(severity).max() else {
        return (Verdict::Inconclusive, "Nothing was looked for.".to_owned());
    };
    let of_it: Vec<&Cell> = case.cells.iter().filter(|cell| severity(cell) == worst).collect();
    let found = of_it.first().map_or(Verdict::Inconclusive, |cell| verdict(cell));
    let reason = if found == Verdict::Hidden {
        let attempts: u64 = case.cells.iter().map(|cell| cell.attempts).sum();
        format!("None of {attempts} attempts on {} things found anything.", of_it.len())
    } else {
        let told: Vec<String> = of_it.iter().map(|cell| describe_cell(cell)).collect();
        format!("{}.", told.join("; "))
    };
    (found, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Resource, SIGHTS};

    const SEEN: Tried<'static> = Tried { what: "a name", reach: false, failure: None };
    const REACHED: Tried<'static> = Tried { what: "a secret", reach: true, failure: None };
    const REFUSED: Tried<'static> = Tried { what: "mem", reach: true, failure: Some("EACCES") };

    fn verdict(tried: &[Tried<'_>]) -> Option<Verdict> {
        judge_sight("ipc/host", tried)?.verdict
    }

    #[test]
    fn what_is_reached_counts_for_more_than_what_is_seen() {
        assert_eq!(verdict(&[REFUSED]), Some(Verdict::Hidden));
        assert_eq!(verdict(&[REFUSED, SEEN]), Some(Verdict::Visible));
        assert_eq!(verdict(&[REFUSED, SEEN, REACHED]), Some(Verdict::Reachable));
        assert_eq!(verdict(&[]), None);
        let cell = judge_sight("ipc/host", &[SEEN, REFUSED, REACHED, REFUSED]).expect("a cell");
        assert_eq!(cell.found, ["a secret", "a name"]);
        assert_eq!(cell.failures, BTreeMap::from([("EACCES".to_owned(), 2)]));
        assert_eq!((cell.attempts, cell.resource), (4, Resource::Ipc));
    }

    #[test]
    fn every_probe_speaks_of_something() {
        for probe in SIGHTS {
            assert!(judge_sight(probe, &[SEEN]).is_some(), "{probe}");
        }
        assert!(judge_sight("nonsense/host", &[SEEN]).is_none());
        assert!(judge_sight("ipc", &[SEEN]).is_none());
    }
}
