//! Each case in all records: for whoever wants to see more than what changed.

use super::Source;
use super::cell::effect;
use super::matched::matched;
use crate::record::{
    Case, CaseBeside, CasePlace, CaseSeen, CellEffect, Change, Comparison, Verdict,
};

/// All cases, in the order of the later records. `comparison` has what changed.
pub(super) fn cases(records: &[Source<'_>], comparison: &Comparison) -> Vec<CaseBeside> {
    let Some((old, later)) = records.split_first() else { return Vec::new() };
    let several = records.iter().any(|it| it.report.machines.len() > 1);
    let mut all: Vec<CaseBeside> = Vec::new();
    for (index, new) in later.iter().enumerate() {
        for pair in matched(index + 1, old.report, new.report) {
            let same = |it: &CaseBeside| alike(&it.place, &pair.place, several);
            let found = all.iter().position(same).unwrap_or_else(|| {
                all.push(CaseBeside { place: pair.place.clone(), seen: vec![None; records.len()] });
                all.len() - 1
            });
            let slots = &mut all[found].seen;
            if let (Some(old), None) = (pair.old, &slots[0]) {
                slots[0] = Some(seen(old, None));
            }
            slots[pair.record] =
                pair.new.map(|new| seen(new, Some(change(comparison, pair.record, &pair.place))));
        }
    }
    all
}

/// Whether two later records speak of one case: records of one machine each may call it what they like.
fn alike(one: &CasePlace, other: &CasePlace, several_machines: bool) -> bool {
    (&one.scenario, &one.config, &one.runtime) == (&other.scenario, &other.config, &other.runtime)
        && (!several_machines || one.machine == other.machine)
}

fn seen(case: &Case, change: Option<Change>) -> CaseSeen {
    let judged = case.cells.iter().filter(|cell| cell.verdict.is_some()).map(effect);
    let rank = |it: &CellEffect| (it.verdict.map_or(0, Verdict::severity), it.times.unwrap_or(0.0));
    let worst = judged.max_by(|one, other| {
        let (one, other) = (rank(one), rank(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    CaseSeen { verdict: case.verdict, effect: worst, ceiling: case.ceiling.clone(), change }
}

/// Everything that is told of a case of a record, in a word.
fn change(it: &Comparison, record: usize, place: &CasePlace) -> Change {
    let here = |at: usize, it: &CasePlace| at == record && it == place;
    let cells = it.cells.iter().filter(|it| here(it.record, &it.place)).map(|it| it.change);
    let verdicts = it.verdicts.iter().filter(|it| here(it.record, &it.place)).map(|it| it.change);
    let ceilings = it.ceilings.iter().filter(|it| here(it.record, &it.place)).map(|it| it.change);
    let claims = it.expectations.iter().filter(|it| here(it.record, &it.place)).map(|it| it.change);
    let all: Vec<Change> = cells.chain(verdicts).chain(ceilings).chain(claims).collect();
    let first = [Change::Worse, Change::Better, Change::Undecided];
    first.into_iter().find(|it| all.contains(it)).unwrap_or(Change::Unchanged)
}
