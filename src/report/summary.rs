//! The lines that say it all: one for the run, and one for each scenario where there are several.

use super::escape::escaped;
use super::style::{Style, Tone};
use crate::record::{Case, Report, Verdict};
use crate::scenario::Control;

/// The words in the order in which they are counted out.
pub(super) const ORDER: [Verdict; 13] = [
    Verdict::Contained,
    Verdict::Harmless,
    Verdict::Vacuous,
    Verdict::Degraded,
    Verdict::Denied,
    Verdict::Breached,
    Verdict::Lost,
    Verdict::Hidden,
    Verdict::Visible,
    Verdict::Reachable,
    Verdict::Inconclusive,
    Verdict::Skipped,
    Verdict::Error,
];

/// The whole run in one line, with a newline: cases by verdict, expectations met, and what spoils the result.
#[must_use]
pub fn render_summary(report: &Report, style: Style) -> String {
    style.finish(&marked_summary(report))
}

/// The same, marked.
pub(super) fn marked_summary(report: &Report) -> String {
    let cases: Vec<&Case> = report.scenarios.iter().flat_map(|scenario| &scenario.cases).collect();
    let mut text = counted(&cases);
    for why in spoilt(report) {
        text.push_str("; ");
        text.push_str(&Tone::Bad.paint(why));
    }
    text.push_str(".\n");
    text
}

/// A line for each scenario, and the summary again; empty where there is one scenario at most. Marked.
pub(super) fn marked_closing(report: &Report) -> String {
    if report.scenarios.len() < 2 {
        return String::new();
    }
    let mut text: String = report
        .scenarios
        .iter()
        .map(|scenario| {
            let line = counted(&scenario.cases.iter().collect::<Vec<_>>());
            format!("{}: {line}.\n", escaped(&scenario.name))
        })
        .collect();
    text.push_str("all: ");
    text.push_str(&marked_summary(report));
    text
}

/// What makes the result worth less than it says, or nothing.
pub(super) fn spoilt(report: &Report) -> impl Iterator<Item = &'static str> {
    let mut cases = report.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let noisy = cases.any(|case| case.control == Some(Control::Sham) && case.verdict.leaks());
    [
        (noisy, "the sham leaks: the machine is too noisy to be trusted"),
        (!report.complete, "stopped before the last case"),
        (!report.cleanup.complete, "clean-up failed"),
    ]
    .into_iter()
    .filter_map(|(spoilt, why)| spoilt.then_some(why))
}

/// Cases by verdict, and expectations met.
fn counted(cases: &[&Case]) -> String {
    let cases = || cases.iter().copied();
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
    text
}
