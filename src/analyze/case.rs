//! The verdict of a case: the worst of its own resource's cells and its ceilings.

use super::attribution::{apart, waits_for_others};
use crate::record::{
    Case, Ceiling, CeilingLevel, Cell, Outcome, Verdict, describe_ceiling, describe_cell,
};
use crate::scenario::{Control, Resource, is_judged};

/// What a case's record cannot say about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseContext {
    /// The node or the machine went down during the case: the verdict is `lost`.
    pub lost: bool,
}

/// Sets `verdict`, `reason` and, where it is still null, `outcome`, from the cells and ceilings.
///
/// A case that already is `skipped` or `error` is left alone. A control that does not leak is `harmless`; a limited case
/// that does not leak is `contained` until [`apply_open`](super::apply_open) has compared it with its open case.
pub fn judge_case(case: &mut Case, context: CaseContext) {
    if matches!(case.verdict, Verdict::Skipped | Verdict::Error) {
        return;
    }
    if case.outcome.is_none() {
        case.outcome = Some(outcome(case));
    }
    let (verdict, reason) = match case.resource {
        Resource::View if !context.lost => super::sight::weigh(case),
        _ => weigh(case, context),
    };
    case.verdict = match (verdict, case.control) {
        (Verdict::Contained, Some(Control::Open | Control::Sham)) => Verdict::Harmless,
        (verdict, _) => verdict,
    };
    case.reason = reason;
}

/// Refused, when the own limit is known to have refused it; the engine has said `escaped` before.
fn outcome(case: &Case) -> Outcome {
    // A quota does not refuse, it makes wait; and who runs out of memory is killed.
    let refused = case.ceiling.as_ref().is_some_and(|ceiling| {
        let by_count = ceiling.level.is_own()
            && ceiling.count.is_some_and(|count| count > 0)
            && !ceiling.is_quota()
            && !ceiling.is_link_rate()
            && !ceiling.counts_kills();
        by_count || (uncounted(ceiling) && !case.attack.refusals.is_empty())
    });
    let killed =
        |ceiling: &Ceiling| ceiling.counts_kills() && ceiling.count.is_some_and(|count| count > 0);
    let hit = |resource| {
        let of_it = |ceiling: &&Ceiling| ceiling.resource == resource;
        case.ceilings.iter().find(of_it).is_some_and(|it| it.count.is_some_and(|count| count > 0))
    };
    if refused {
        Outcome::Refused
    } else if case.ceilings.iter().chain(&case.ceiling).any(killed)
        || (case.attack.respawns > 0 && hit(Resource::Memory))
    {
        Outcome::KilledByLimit
    } else if hit(Resource::Cpu)
        || hit(Resource::Network)
        || case.ceilings.iter().any(is_rate_used_up)
    {
        Outcome::Throttled
    } else {
        Outcome::RanFree
    }
}

/// A rate at a disk that was held near its limit; how often somebody had to wait for it nobody counts.
fn is_rate_used_up(ceiling: &Ceiling) -> bool {
    ceiling.resource == Resource::Disk && ceiling.level == CeilingLevel::Sandbox
}

/// A limit whose refusals the kernel does not count, used up and not the node's: what the attacker says of itself must do. What others
/// with the same user have is missing from its own usage.
fn uncounted(ceiling: &Ceiling) -> bool {
    let countless = ceiling.counter.is_none() && ceiling.is_amount() && !ceiling.is_cpuset();
    let used_up = ceiling.peak >= Some(ceiling.limit) || ceiling.knob == "RLIMIT_NPROC";
    countless && used_up && ceiling.level != CeilingLevel::Node
}

fn weigh(case: &Case, context: CaseContext) -> (Verdict, String) {
    if context.lost {
        return (Verdict::Lost, "The node or the machine went down under attack.".into());
    }
    if case.outcome == Some(Outcome::Escaped) {
        return (
            Verdict::Breached,
            "A process of the attacker was found alive outside its cgroup.".into(),
        );
    }
    if let Some(passed) = case.ceilings.iter().chain(&case.ceiling).find(|ceiling| !ceiling.kept) {
        return (Verdict::Breached, sentence(describe_ceiling(passed)));
    }
    if let Some(count) = case.oom_kills.victim.filter(|&count| count > 0 && !limits_itself(case)) {
        let processes = if count == 1 { "process" } else { "processes" };
        let mut parts: Vec<String> = case.ceiling.iter().map(describe_ceiling).collect();
        parts.push(format!("the OOM killer took {count} {processes} of the victim"));
        return (Verdict::Denied, sentence(parts.join("; ")));
    }
    // The first of the worst, so that equal cells keep the order of the report.
    let worst = own_cells(case).fold(None, |worst: Option<(&Cell, Verdict)>, cell| {
        let verdict = cell.verdict.unwrap_or(Verdict::Inconclusive);
        match worst {
            Some((_, so_far)) if so_far.severity() >= verdict.severity() => worst,
            _ => Some((cell, verdict)),
        }
    });
    let Some((cell, verdict)) = worst else {
        return (Verdict::Inconclusive, format!("No probe of {} gave a result.", case.resource));
    };
    let mut parts: Vec<String> = case.ceiling.iter().map(describe_ceiling).collect();
    parts.push(match (verdict, cell.verdict) {
        (_, None) => format!("{} was not measured in a way that can be judged", cell.probe),
        (Verdict::Inconclusive, _)
            if cell.resource == Resource::Cpu && waits_for_others(cell, apart(case)) =>
        {
            format!(
                "others than the attacker took the CPU that the victim waited for: {}",
                describe_cell(cell)
            )
        }
        (Verdict::Inconclusive, _) => {
            format!("neither a leak nor containment is shown: {}", describe_cell(cell))
        }
        _ => describe_cell(cell),
    });
    (verdict, sentence(parts.join("; ")))
}

/// A victim with a limit of memory of its own may be killed for passing that.
fn limits_itself(case: &Case) -> bool {
    let limits = &case.victim_limits;
    limits.memory_bytes.is_some() || limits.unified.keys().any(|file| file == "memory.max")
}

/// Those that are judged: what is only shown decides nothing.
fn own_cells(case: &Case) -> impl Iterator<Item = &Cell> {
    let is_own =
        |cell: &&Cell| cell.resource == case.resource || case.stands_for.contains(&cell.resource);
    case.cells.iter().filter(is_own).filter(|cell| is_judged(&cell.probe))
}

pub(super) fn sentence(mut text: String) -> String {
    text.push('.');
    text
}
