//! One cell: the victim's operations over time, quiet against attacked, its failures, and the numbers behind the verdict.

use maud::{Markup, PreEscaped, html};

use super::anchor::{self, Place};
use super::heat::chip;
use crate::record::{Case, Cell, describe_cell, grouped};
use crate::report::chart::{
    distribution_chart, effects_chart, failures_chart, latency_chart, rate_chart,
};
use crate::report::words::words;

/// A cell that opens and closes; open where it was judged on the attacker's own resource.
pub(super) fn card(place: Place, index: usize, case: &Case, cell: &Cell) -> Markup {
    let open = cell.verdict.is_some() && cell.resource == case.resource;
    html! {
        details .cell open[open] {
            summary {
                span .name { (cell.probe) }
                @match cell.verdict {
                    Some(verdict) => (chip(verdict)),
                    None => { span .chip.dim { "not judged" } }
                }
                span .felt { (words(cell)) }
            }
            div .body id=(anchor::cell(place, index)) {
                p { (describe_cell(cell)) "." }
                (charts(case, cell))
            }
        }
    }
}

fn charts(case: &Case, cell: &Cell) -> Markup {
    let figure = |chart: Option<String>, caption: &str| {
        html! {
            @if let Some(chart) = chart {
                figure { figcaption { (caption) } (PreEscaped(chart)) }
            }
        }
    };
    let failures = failures_chart(cell);
    html! {
        div .charts {
            (figure(latency_chart(&case.blocks, &cell.probe), "Latency over time"))
            (figure(distribution_chart(&case.blocks, &cell.probe), "Distribution of latency"))
            (figure(rate_chart(&case.blocks, &cell.probe), "Rate over time"))
            (figure(effects_chart(cell), "What that amounts to"))
            @match failures {
                Some(_) => (figure(failures, "Failed operations")),
                None => {
                    figure .words {
                        figcaption { "Failed operations" }
                        p { "None of " (grouped(cell.attempts)) " under attack, none of " (grouped(cell.quiet.attempts)) " when quiet." }
                    }
                }
            }
        }
    }
}
