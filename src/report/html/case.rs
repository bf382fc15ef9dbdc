//! One case: its limits and ceilings, its cells, and what else was measured.

use maud::{Markup, PreEscaped, html};

use super::anchor::{self, Place};
use super::cell;
use super::finding::spellings;
use super::heat::{chip, control};
use crate::record::{
    Case, Ceiling, CeilingLevel, Report, ScenarioRecord, describe_ceiling, failure_sum, grouped,
};
use crate::report::chart::{ceiling_chart, received_chart};
use crate::report::names::case_name;
use crate::report::words::{ceiling_words, cell_words, expected_of};
use crate::scenario::Control;

/// A case that opens and closes. Open where it leaks in spite of its limits or an expectation is unmet.
pub(super) fn card(
    report: &Report,
    scenario: &ScenarioRecord,
    place: Place,
    case: &Case,
) -> Markup {
    let unmet = case.expectations.iter().any(|it| it.met == Some(false));
    let open = unmet || (case.verdict.leaks() && case.control != Some(Control::Open));
    let (ceiling, _) = ceiling_words(case);
    let (felt, _) = cell_words(case, case.resource);
    html! {
        details .case open[open] {
            summary {
                span .name { (case_name(scenario, case)) }
                (chip(case.verdict))
                span .felt { (case.resource) ": " (felt) }
                @if !case.ceilings.is_empty() { span .limit-words { (ceiling.replace('\n', ", ")) } }
                @for it in &case.expectations {
                    span class={ "expected " (match it.met { Some(true) => "good", Some(false) => "bad", None => "dim" }) } {
                        (match it.met { Some(true) => "✓ ", Some(false) => "✗ ", None => "– " }) (expected_of(case, it))
                    }
                }
            }
            div .body id=(anchor::case(place)) {
                p { (case.reason) }
                @for it in case.expectations.iter().filter(|it| it.skipped.is_some()) {
                    p .note { (expected_of(case, it)) " is not expected here: " (it.skipped.as_deref().unwrap_or_default()) }
                }
                (ceilings(case))
                @if !case.cells.is_empty() {
                    h4 { "What the victim felt" }
                    @for (index, cell) in case.cells.iter().enumerate() { (cell::card(place, index, case, cell)) }
                }
                (facts(report, case))
            }
        }
    }
}

fn ceilings(case: &Case) -> Markup {
    let received = received_chart(case);
    html! {
        @if !case.ceilings.is_empty() || received.is_some() {
            h4 { "Did the limit hold?" }
            div .charts {
                @for ceiling in &case.ceilings { (ceiling_figure(case, ceiling)) }
                @if let Some(chart) = received {
                    figure { (PreEscaped(chart)) }
                }
            }
        }
        @if !case.limits.is_empty() {
            details .quiet {
                summary { "The attacker's limits in every spelling" }
                div .body { (spellings("", &case.limits)) }
            }
        }
        @if !case.victim_limits.is_empty() {
            details .quiet {
                summary { "The victim's limits, which protect it, in every spelling" }
                div .body { (spellings("the victim's ", &case.victim_limits)) }
            }
        }
    }
}

fn ceiling_figure(case: &Case, ceiling: &Ceiling) -> Markup {
    html! {
        figure {
            @if let Some(chart) = ceiling_chart(ceiling, case.node) { (PreEscaped(chart)) }
            figcaption {
                (describe_ceiling(ceiling)) "."
                " Whose limit it was: " (level(ceiling)) "."
                @if !ceiling.note.is_empty() { " Note: " (ceiling.note) "." }
            }
        }
    }
}

fn level(ceiling: &Ceiling) -> &'static str {
    match ceiling.level {
        CeilingLevel::Sandbox => "the sandbox's own, by the kernel's counters",
        CeilingLevel::Pod => "the pod's, by the kernel's counters",
        CeilingLevel::Node => "the node's, which was full before",
        CeilingLevel::Inferred => "inferred, because no counter of the kernel names it",
    }
}

/// Everything else about the case, by name.
fn facts(report: &Report, case: &Case) -> Markup {
    let mut rows: Vec<(&str, String)> = vec![
        ("attacker", attacker(case)),
        ("machine, runtime", format!("{}, {}", case.machine, case.runtime)),
        ("placement", word(&case.placement)),
        ("node", case.node.to_string()),
    ];
    let mut add = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    add("kind", Some(control(case).to_owned()).filter(|it| !it.is_empty()));
    add("measured for", case.measured_for.clone());
    add("outcome", case.outcome.as_ref().map(word));
    let refusals: Vec<String> = case
        .attack
        .refusals
        .iter()
        .map(|(errno, count)| format!("{} {errno}", grouped(*count)))
        .collect();
    add(
        "attacker counted",
        (case.attack.starts > 0).then(|| {
            let refused = if refusals.is_empty() { "none".to_owned() } else { refusals.join(", ") };
            format!(
                "{} operations, refusals: {refused}, at most {} at once",
                grouped(case.attack.operations),
                grouped(case.attack.peak)
            )
        }),
    );
    add(
        "attacker received",
        case.attack_cpu.map(|share| format!("{:.0}m of one CPU", share * 1e3)),
    );
    add("recovered after", case.recovery_ms.map(|ms| format!("{ms:.0} ms")));
    add(
        "CPU charged to nobody",
        case.out_of_band_cpu_seconds.map(|seconds| format!("{seconds:.3} s")),
    );
    add("CPU of the harness", Some(format!("{:.3} s", case.harness_cpu_seconds)));
    add(
        "watcher",
        (case.watch.rounds > 0).then(|| {
            format!(
                "{} rounds, longest pause {:.0} ms, slowest {:.1} ms, {} failures",
                grouped(case.watch.rounds),
                case.watch.longest_pause_ms,
                case.watch.slowest_round_ms,
                failure_sum(&case.watch.failures)
            )
        }),
    );
    for (fact, value) in &case.facts {
        rows.push((fact.name(), value.to_string()));
    }
    let pairs = case.blocks.len() / 2;
    html! {
        details .quiet {
            summary { "The case in facts" }
            div .body {
                dl .facts {
                    @for (name, value) in rows { div { dt { (name) } dd { (value) } } }
                    div { dt { "measured in" } dd { (pairs) " pairs of blocks, intervals by seed " (report.seed) } }
                }
                @if !case.residue.is_empty() {
                    p { "Left behind:" }
                    ul { @for left in &case.residue { li { (left) } } }
                }
                @if !case.steps.is_empty() {
                    details .quiet {
                        summary { "Every step of the set-up" }
                        div .body { ol .steps { @for step in &case.steps { li { (step) } } } }
                    }
                }
            }
        }
    }
}

fn attacker(case: &Case) -> String {
    if !case.command.is_empty() {
        return format!("{}: {}", case.attacker, case.command.join(" "));
    }
    let mut text = format!("{} at {} %", case.attacker, case.intensity);
    if let Some(kind) = case.kind {
        text.push_str(&format!(", kind {kind}"));
    }
    if case.threads > 1 {
        text.push_str(&format!(", {} threads", case.threads));
    }
    if let Some(burst) = case.burst {
        text.push_str(&format!(", {} µs in every {} µs", burst.busy_us, burst.period_us));
    }
    for (key, value) in &case.options {
        text.push_str(&format!(", {key} {value}"));
    }
    if let Some(memory) = case.memory {
        text.push_str(&format!(", {memory}"));
    }
    text
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
