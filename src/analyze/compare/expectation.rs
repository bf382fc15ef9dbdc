//! Expectations that are met no longer, or again, or that are others than before.

use super::matched::Pair;
use crate::record::{Change, ExpectationChange, Expected, Verdict};

/// Every change among the expectations of a case that both records have. They are matched by what they speak of; of several that
/// speak of the same, by their order.
pub(super) fn changes(pair: &Pair<'_>) -> Vec<ExpectationChange> {
    let (Some(old), Some(new)) = (pair.old, pair.new) else { return Vec::new() };
    let mut rest: Vec<&Expected> = old.expectations.iter().collect();
    let mut changes = Vec::new();
    let mut add = |old: Option<&Expected>, new: Option<&Expected>| {
        let Some(target) = new.or(old).map(|it| it.target.clone()) else { return };
        let same_words = old.map(|it| &it.expected) == new.map(|it| &it.expected);
        if same_words && old.map(|it| it.met) == new.map(|it| it.met) {
            return;
        }
        changes.push(ExpectationChange {
            record: pair.record,
            place: pair.place.clone(),
            target,
            old_expected: old.map(|it| it.expected.clone()),
            new_expected: new.map(|it| it.expected.clone()),
            old_met: old.and_then(|it| it.met),
            new_met: new.and_then(|it| it.met),
            change: direction(old, new),
        });
    };
    for it in &new.expectations {
        let found = rest.iter().position(|old| old.target == it.target);
        add(found.map(|index| rest.remove(index)), Some(it));
    }
    for old in rest {
        add(Some(old), None);
    }
    changes
}

/// Met before and not now is worse, unless nothing could be shown now.
fn direction(old: Option<&Expected>, new: Option<&Expected>) -> Change {
    let unclear = |it: Option<&Expected>| {
        it.is_some_and(|it| it.seen.as_deref() == Some(Verdict::Inconclusive.name()))
    };
    match (old.and_then(|it| it.met), new.and_then(|it| it.met)) {
        (Some(true), Some(false)) if !unclear(new) => Change::Worse,
        (Some(false), Some(true)) if !unclear(old) => Change::Better,
        _ => Change::Undecided,
    }
}
