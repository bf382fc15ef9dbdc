//! Verdicts of cases that are others than before.

use super::matched::Pair;
use crate::record::{Change, Verdict, VerdictChange};

/// The change of a case's verdict; `None` when it is the same.
pub(super) fn change(pair: &Pair<'_>) -> Option<VerdictChange> {
    let (old, new) = (pair.old.map(|it| it.verdict), pair.new.map(|it| it.verdict));
    if old == new {
        return None;
    }
    let change = match (old, new) {
        (Some(old), Some(new)) => between(old, new),
        _ => Change::Undecided,
    };
    Some(VerdictChange { record: pair.record, place: pair.place.clone(), old, new, change })
}

/// A leak is worse than none, and a worse leak than a leak. What is inconclusive, skipped or failed shows neither; and a limit that
/// proves nothing any more protects nobody less.
fn between(old: Verdict, new: Verdict) -> Change {
    let shown = |it: Verdict| it.leaks() || matches!(it, Verdict::Contained | Verdict::Harmless);
    let rank = |it: Verdict| if it.leaks() { it.severity() } else { 0 };
    match rank(new).cmp(&rank(old)) {
        std::cmp::Ordering::Greater if shown(old) || old == Verdict::Vacuous => Change::Worse,
        std::cmp::Ordering::Less if shown(new) => Change::Better,
        _ => Change::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_worse_than_none_and_what_was_not_shown_proves_nothing() {
        use Verdict::{Contained, Degraded, Denied, Error, Harmless, Inconclusive, Skipped};
        for (old, new, change) in [
            (Contained, Denied, Change::Worse),
            (Harmless, Degraded, Change::Worse),
            (Degraded, Denied, Change::Worse),
            (Denied, Degraded, Change::Better),
            (Denied, Contained, Change::Better),
            (Contained, Inconclusive, Change::Undecided),
            (Denied, Inconclusive, Change::Undecided),
            (Inconclusive, Denied, Change::Undecided),
            (Skipped, Denied, Change::Undecided),
            (Contained, Error, Change::Undecided),
            (Contained, Harmless, Change::Undecided),
        ] {
            assert_eq!(between(old, new), change, "{old} {new}");
        }
    }
}
