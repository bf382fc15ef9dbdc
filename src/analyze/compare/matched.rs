//! The same case in two records.

use std::collections::BTreeMap;

use crate::record::{Case, CasePlace, Report};

/// A case in OLD and in a later record; one of the two may lack it.
pub(super) struct Pair<'a> {
    /// The later record, as an index of all records.
    pub record: usize,
    pub place: CasePlace,
    pub old: Option<&'a Case>,
    pub new: Option<&'a Case>,
}

/// All cases of both, in the order of the later record, then those that only OLD has. Of two cases with the same place the first
/// counts. Where each record has one machine, it is that machine, whatever its ID: a host can be compared with a guest.
pub(super) fn matched<'a>(record: usize, old: &'a Report, new: &'a Report) -> Vec<Pair<'a>> {
    let before = by_place(old, only_machine(old).and(only_machine(new)));
    let mut rest: BTreeMap<&CasePlace, &'a Case> =
        before.iter().rev().map(|(place, case)| (place, *case)).collect();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (place, case) in by_place(new, None) {
        if seen.insert(place.clone()) {
            let old = rest.remove(&place);
            pairs.push(Pair { record, place, old, new: Some(case) });
        }
    }
    for (place, case) in &before {
        if rest.remove(place).is_some() {
            pairs.push(Pair { record, place: place.clone(), old: Some(case), new: None });
        }
    }
    pairs
}

/// The ID of the only machine of a record.
fn only_machine(report: &Report) -> Option<&str> {
    match report.machines.as_slice() {
        [one] => Some(&one.id),
        _ => None,
    }
}

/// `machine` takes the place of the record's own.
fn by_place<'a>(report: &'a Report, machine: Option<&str>) -> Vec<(CasePlace, &'a Case)> {
    let mut all = Vec::new();
    for scenario in &report.scenarios {
        for case in &scenario.cases {
            let place = CasePlace {
                scenario: scenario.name.clone(),
                config: case.config.clone(),
                machine: machine.unwrap_or(&case.machine).to_owned(),
                runtime: case.runtime.clone(),
            };
            all.push((place, case));
        }
    }
    all
}
