//! The one line that says it all.

use super::style::{Style, Tone};
use crate::record::{Report, Verdict};
use crate::scenario::Control;

/// The words in the order in which they are counted out.
const ORDER: [Verdict; 10] = [
    Verdict::Contained,
    Verdict::Harmless,
    Verdict::Vacuous,
    Verdict::Degraded,
    Verdict::Denied,
    Verdict::Breached,
    Verdict::Lost,
    Verdict::Inconclusive,
    Verdict::Skipped,
    Verdict::Error,
];

/// One line about the whole run, with a newline: cases by verdict, expectations met, and what spoils the result.
#[must_use]
pub fn render_summary(report: &Report, style: Style) -> String {
    style.finish(&marked_summary(report))
}

pub(super) fn marked_summary(report: &Report) -> String {
    let cases = || report.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let counts: Vec<String> = ORDER
        .into_iter()
        .filter_map(|verdict| {
            let count = cases().filter(|case| case.verdict == verdict).count();
            let text = format!("{count} {verdict}");
            (count > 0).then(|| Tone::of(verdict).paint(&text))
        })
        .collect();
    let total = cases().count();
    let mut text = format!("{total} {}", if total == 1 { "case" } else { "cases" });
    if !counts.is_empty() {
        text.push_str(&format!(": {}", counts.join(", ")));
    }
    let expectations = || cases().flat_map(|case| &case.expectations).filter(|it| it.met.is_some());
    let (asked, met) =
        (expectations().count(), expectations().filter(|it| it.met == Some(true)).count());
    let tone = if met == asked { Tone::Good } else { Tone::Bad };
    text.push_str("; ");
    text.push_str(&match asked {
        0 if cases().any(|case| !case.expectations.is_empty()) => {
            "nothing could be compared with what was expected".to_owned()
        }
        0 => "nothing was expected".to_owned(),
        _ => tone.paint(&format!("{met} of {asked} expectations met")),
    });
    let noisy = cases().any(|case| case.control == Some(Control::Sham) && case.verdict.leaks());
    for (spoilt, why) in [
        (noisy, "the sham leaks: the machine is too noisy to be trusted"),
        (!report.complete, "stopped before the last case"),
        (!report.cleanup.complete, "clean-up failed"),
    ] {
        if spoilt {
            text.push_str("; ");
            text.push_str(&Tone::Bad.paint(why));
        }
    }
    text.push_str(".\n");
    text
}
