//! The positive control: a limit has contained something only when the same attack without it hurts.

use super::case::sentence;
use crate::record::{Case, Verdict};

/// Compares a contained case with its open case: the same attack on the same node, placement, machine and runtime,
/// without limits.
///
/// Where the open attack was harmless too, the case proves nothing and becomes `vacuous`; where the open case shows
/// nothing either way or is missing, `inconclusive`. Controls and cases that are not `contained` stay as they are.
pub fn apply_open(case: &mut Case, open: Option<&Case>) {
    if case.control.is_some() || case.verdict != Verdict::Contained {
        return;
    }
    let Some(open) = open else {
        case.verdict = Verdict::Inconclusive;
        add(case, "There is no open case that shows that the attack hurts without the limit");
        return;
    };
    match open.verdict {
        verdict if verdict.leaks() => {}
        Verdict::Harmless | Verdict::Contained => {
            case.verdict = Verdict::Vacuous;
            add(
                case,
                &format!(
                    "This proves nothing: the attack is harmless without limits too ({})",
                    open.config
                ),
            );
        }
        verdict => {
            case.verdict = Verdict::Inconclusive;
            let why = format!(
                "Whether the attack hurts without limits is not known: {} is {verdict}",
                open.config
            );
            add(case, &why);
        }
    }
}

fn add(case: &mut Case, why: &str) {
    if !case.reason.is_empty() {
        case.reason.push(' ');
    }
    case.reason.push_str(&sentence(why.to_owned()));
}
