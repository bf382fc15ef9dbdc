//! The scenarios, each with its cases.

use maud::{Markup, html};

use super::{anchor, case};
use crate::record::{Case, Report, ScenarioRecord};
use crate::report::grid::columns;
use crate::report::table::machine_line;

/// The third section of the page.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #scenarios {
            h2 { "Scenarios" }
            @for (index, scenario) in report.scenarios.iter().enumerate() { (one(report, index, scenario)) }
        }
    }
}

fn one(report: &Report, index: usize, scenario: &ScenarioRecord) -> Markup {
    let machines =
        report.machines.iter().filter(|it| scenario.cases.iter().any(|case| case.machine == it.id));
    // Controls first, as in the table, since the others are read against them.
    let cases: Vec<(usize, &Case)> = columns(scenario)
        .into_iter()
        .filter_map(|case| {
            let place = scenario.cases.iter().position(|other| std::ptr::eq(other, case))?;
            Some((place, case))
        })
        .collect();
    html! {
        section .scenario id=(anchor::scenario(index)) {
            h3 { (scenario.name) }
            @if let Some(summary) = &scenario.summary { p .summary { (summary) } }
            p .about {
                code { (scenario.file) }
                @for machine in machines { br; (machine_line(machine).trim_end()) }
            }
            @for (place, case) in cases { (case::card(report, scenario, (index, place), case)) }
        }
    }
}
