//! What leaks, worst first: what it means, the evidence, and what would contain it.

use maud::{Markup, html};

use super::anchor;
use super::heat::{chip, class, control};
use super::ticks::ticks;
use crate::glossary::{self, Kind, LEAK, Spelled, spelled};
use crate::record::{Expected, Report, describe_ceiling, describe_cell};
use crate::report::advice::{Advice, Basis, advice};
use crate::report::bar::lost_share;
use crate::report::findings::{Finding, Group};
use crate::report::names::case_name;
use crate::report::unmet::{is_inconclusive, unmet_of};
use crate::report::words::{cell_words, expected_of, worst_cell};
use crate::scenario::{Limits, Resource};

/// The first section of the page.
pub(super) fn section(report: &Report, found: &[Finding<'_>]) -> Markup {
    html! {
        section #findings {
            h2 { "What leaks" }
            @if found.is_empty() {
                p .all-well { "Nothing leaks, and nothing came out otherwise than expected." }
            }
            @for group in Group::ALL {
                @let of_group: Vec<&Finding<'_>> = found.iter().filter(|it| it.group == group).collect();
                @if !of_group.is_empty() {
                    h3 { (group.title()) " " span .count { (of_group.len()) } }
                    @for finding in of_group { (card(report, finding)) }
                }
            }
        }
    }
}

/// Open where a reader must look, closed where all is as it should be.
fn card(report: &Report, finding: &Finding<'_>) -> Markup {
    let case = finding.case;
    let open = matches!(finding.group, Group::Unmet | Group::Untrusted | Group::Leak);
    let tone = match finding.group {
        Group::Open => "dim",
        Group::Unmet => "bad",
        _ => class(crate::report::style::Tone::of(case.verdict)),
    };
    let (words, _) = cell_words(case, case.resource);
    html! {
        details class={ "finding " (tone) } open[open] {
            summary {
                span .name { (finding.scenario.name) span .sep { " / " } (case_name(finding.scenario, case)) }
                (chip(case.verdict))
                span .felt { (case.resource) ": " (words) }
                @if let Some(share) = lost_share(case).filter(|_| case.verdict.leaks()) {
                    (meter(share))
                }
            }
            div .body {
                @for it in unmet_of(case) { (unmet(finding, it)) }
                p { (case.reason) }
                @if case.verdict.leaks() { (meaning(finding)) }
                (evidence(finding))
                @if let Some(advice) = advice(report, case) { (remedy(&advice)) }
                p .more {
                    a href=(anchor::link(&anchor::case(finding.place))) { "Everything measured in this case" }
                    @if !control(case).is_empty() { " (" (control(case)) ")" }
                }
            }
        }
    }
}

/// What the victim lost, as a bar.
fn meter(share: f64) -> Markup {
    html! {
        span .meter title="what the victim lost of its service" {
            span .fill style=(format!("width:{:.0}%", share * 100.0)) {}
        }
        span .lost { (format!("{:.0} % lost", share * 100.0)) }
    }
}

fn unmet(finding: &Finding<'_>, it: &Expected) -> Markup {
    let seen = it.seen.as_deref().unwrap_or("nothing");
    html! {
        p class={ "unmet " (if is_inconclusive(it) { "unclear" } else { "bad" }) } {
            "Expected " strong { (expected_of(finding.case, it)) } ", seen " strong { (seen) } ". "
            code { (finding.scenario.file) ":" (it.line) ":" (it.column) }
        }
    }
}

/// What the leak means for whoever lives beside the attacker.
fn meaning(finding: &Finding<'_>) -> Markup {
    let case = finding.case;
    let resource =
        worst_cell(case, case.resource).and_then(|cell| cell.via).unwrap_or(case.resource);
    let leak = |resource: Resource| {
        glossary::entry(Kind::Resource, resource.name())
            .and_then(|it| it.detail(LEAK))
            .unwrap_or("")
    };
    let verdict = case.verdict.name();
    html! {
        p {
            strong { "What it means: " }
            (verdict) ", " (glossary::meaning(Kind::Verdict, verdict)) ". "
            "When " (resource) " leaks, " (leak(resource)) "."
        }
    }
}

fn evidence(finding: &Finding<'_>) -> Markup {
    let case = finding.case;
    // What the reason tells already is not told again.
    let told = |sentence: &String| !case.reason.contains(sentence.as_str());
    let ceilings = case.ceilings.iter().map(describe_ceiling);
    let cell = worst_cell(case, case.resource).map(describe_cell);
    let more: Vec<String> = ceilings.chain(cell).filter(told).collect();
    html! {
        @if !more.is_empty() {
            ul .evidence { @for sentence in &more { li { (sentence) } } }
        }
    }
}

/// Which limit, at which value, in every spelling.
fn remedy(advice: &Advice) -> Markup {
    html! {
        div .remedy {
            p {
                strong { (if advice.limits.is_empty() && advice.victim_limits.is_empty() { "What to do: " } else { "What would contain it: " }) }
                (ticks(&advice.why))
                @match &advice.basis {
                    Basis::Shown { scenario, config } => { " (" em { (scenario) " / " (config) } " of this report shows it)." }
                    Basis::Rule => { ". " em { "A rule; this report has not tried it." } }
                }
            }
            (spellings("", &advice.limits))
            (spellings("the victim's ", &advice.victim_limits))
        }
    }
}

/// Limits as scenario, kernel, Docker and Kubernetes write them.
pub(super) fn spellings(whose: &str, limits: &Limits) -> Markup {
    let all = spelled(limits);
    html! {
        @for it in &all {
            dl .spelling {
                @for (name, text) in rows(it) {
                    div {
                        dt { (name) }
                        dd { @if name == "scenario" { (whose) } (code(name, text)) }
                    }
                }
            }
        }
    }
}

/// Kernel files and options are code as a whole; what Kubernetes has is told in words.
fn code(name: &str, text: &str) -> Markup {
    match name == "Kubernetes" && text.contains(' ') && !text.starts_with("resources.") {
        true => ticks(text),
        false => html! { code { (text) } },
    }
}

fn rows(it: &Spelled) -> [(&'static str, &str); 5] {
    [
        ("scenario", &it.scenario),
        ("cgroup v2", &it.v2),
        ("cgroup v1", &it.v1),
        ("Docker", &it.docker),
        ("Kubernetes", &it.kubernetes),
    ]
}
