//! The negative control: where a sleeping attacker seems to slow the victim, the machine does, and no slowdown of any other
//! case on the same ground can be laid at its attacker's door.

use super::case::{CaseContext, judge_case};
use crate::record::{Case, Cell, Verdict};
use crate::scenario::Control;

/// Judges a case that comes after those in `before`, of which its sham is one: as [`judge_case`] does, without what a leaking
/// sham makes worthless.
pub fn judge_among(case: &mut Case, before: &[Case], context: CaseContext) {
    let sham = sham_of_case(case, before);
    let distrusted = distrust(&mut case.cells, sham);
    judge_case(case, context);
    if distrusted {
        case.reason.push_str(
            " The sham leaks: on this machine, now, a slowdown cannot be laid at the attack's door.",
        );
    }
}

/// Takes back, in the cells of a case, what a leaking sham makes worthless: slowdowns and missed deadlines. Failed operations of
/// other kinds stay, because no noise makes the kernel refuse; so does what looks contained even so. True when anything was
/// taken back.
fn distrust(cells: &mut [Cell], sham: Option<&Case>) -> bool {
    if !sham.is_some_and(|sham| sham.verdict.leaks()) {
        return false;
    }
    let mut taken_back = false;
    for cell in cells.iter_mut().filter(|cell| is_by_time(cell)) {
        cell.verdict = Some(Verdict::Inconclusive);
        taken_back = true;
    }
    taken_back
}

/// A leak that only the clock shows.
fn is_by_time(cell: &Cell) -> bool {
    match cell.verdict {
        Some(Verdict::Degraded) => true,
        Some(Verdict::Denied) => {
            !cell.failures.is_empty() && cell.failures.keys().all(|errno| errno == "ETIME")
        }
        _ => false,
    }
}

/// The sham of a case among those before it in a record: the same node, placement, machine and runtime.
fn sham_of_case<'a>(case: &Case, before: &'a [Case]) -> Option<&'a Case> {
    if case.control == Some(Control::Sham) {
        return None;
    }
    before.iter().find(|sham| {
        sham.control == Some(Control::Sham)
            && (sham.node, sham.placement) == (case.node, case.placement)
            && (&sham.machine, &sham.runtime) == (&case.machine, &case.runtime)
    })
}
