//! The head of the page: what it is of, and the sums that say it all.

use maud::{Markup, html};

use super::heat::class;
use crate::record::{Case, Report, Verdict};
use crate::report::clock::rfc3339;
use crate::report::style::{Style, Tone};
use crate::report::summary::{ORDER, render_summary, spoilt};
use crate::report::table::machine_line;

/// The title of the window: what is worst comes first, since tabs are narrow.
pub(super) fn title(report: &Report) -> String {
    let summary = render_summary(report, Style { color: false });
    format!("Containment report: {}", summary.trim_end())
}

/// Title, time and machines, the counts, what spoils the result, and where to go.
pub(super) fn head(report: &Report) -> Markup {
    let time = rfc3339(report.started_unix_ms);
    let when = time.get(..16).unwrap_or(&time).replace('T', " ");
    html! {
        header {
            h1 { "Containment report" }
            p .about {
                time datetime=(time) { (when) " UTC" }
                ", " (seconds(report.duration_ms))
                @for machine in &report.machines {
                    br; (machine_line(machine).trim_end())
                }
            }
            (counts(report))
            @for why in spoilt(report) {
                p .spoilt { (why) }
            }
            @for failure in &report.cleanup.failures {
                p .spoilt { "not cleaned up: " (failure) }
            }
            @for warning in &report.warnings {
                p .spoilt { "warning: " (warning) }
            }
            nav aria-label="Sections" {
                a href="#findings" { "What leaks" }
                a href="#matrix" { "Matrix" }
                a href="#scenarios" { "Scenarios" }
                a href="#machines" { "Machines" }
                a href="#repeat" { "Repeat" }
                a href="#legend" { "How to read" }
            }
        }
    }
}

/// Expectations first, then the cases by verdict.
fn counts(report: &Report) -> Markup {
    let cases: Vec<&Case> = report.scenarios.iter().flat_map(|scenario| &scenario.cases).collect();
    let count = |verdict: Verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let expectations = || cases.iter().flat_map(|case| &case.expectations);
    let asked = expectations().filter(|it| it.met.is_some()).count();
    let met = expectations().filter(|it| it.met == Some(true)).count();
    let tone = match asked {
        0 => Tone::Unclear,
        _ if met == asked => Tone::Good,
        _ => Tone::Bad,
    };
    html! {
        dl .counts {
            div class={ "first " (class(tone)) } {
                dt { "expectations met" }
                dd { (met) span { " of " (asked) } }
            }
            @for verdict in ORDER {
                @if count(verdict) > 0 {
                    div class=(class(Tone::of(verdict))) {
                        dt { (verdict.name()) }
                        dd { (count(verdict)) }
                    }
                }
            }
        }
    }
}

/// How long the run took.
fn seconds(ms: u64) -> String {
    match ms / 1000 {
        seconds if seconds < 120 => format!("took {seconds} s"),
        seconds => format!("took {} min {} s", seconds / 60, seconds % 60),
    }
}
