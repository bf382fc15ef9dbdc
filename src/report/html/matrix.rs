//! The matrix: what each attack did to each resource of the victim, a heat map for each config. A config that several attacks have in
//! common, such as `open`, is a block of its own; the others stand together.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::anchor::{self, Place};
use super::heat::{chip, class, heat, style, tone};
use crate::record::{Case, Report, ScenarioRecord};
use crate::report::words::{NOTHING, words, worst_cell};
use crate::scenario::{Control, Resource};

/// A row: one case.
struct Row<'a> {
    scenario: &'a ScenarioRecord,
    case: &'a Case,
    place: Place,
}

/// The second section of the page.
pub(super) fn section(report: &Report) -> Markup {
    let rows = rows(report);
    let resources: Vec<Resource> = Resource::every()
        .filter(|&it| it != Resource::View)
        .filter(|&it| {
            rows.iter().any(|row| row.case.resource == it || worst_cell(row.case, it).is_some())
        })
        .collect();
    let several = report.machines.len() > 1;
    html! {
        section #matrix {
            h2 { "Attacks and resources" }
            p .note {
                "Each row is an attack, each column a resource of the victim. The framed cell is the resource that the attack drains. "
                "Words are verdicts; a number alone was measured and not judged. The deeper the colour, the more was lost."
            }
            @for (title, group) in groups(&rows) {
                table .heat {
                    caption { (title) }
                    thead {
                        tr {
                            th scope="col" { "attack" }
                            @for resource in &resources { th scope="col" { (resource) } }
                            th scope="col" { "verdict" }
                        }
                    }
                    tbody { @for row in group { (line(row, &resources, several)) } }
                }
            }
        }
    }
}

fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (first, scenario) in report.scenarios.iter().enumerate() {
        for (second, case) in scenario.cases.iter().enumerate() {
            rows.push(Row { scenario, case, place: (first, second) });
        }
    }
    rows
}

/// Open first, because it is what everything else is read against; then configs that several have; then all others; the sham last.
fn groups<'a, 'b>(rows: &'b [Row<'a>]) -> Vec<(String, Vec<&'b Row<'a>>)> {
    let of = |control: Option<Control>| rows.iter().filter(move |row| row.case.control == control);
    let mut by_config: BTreeMap<&str, Vec<&Row<'a>>> = BTreeMap::new();
    for row in of(None) {
        by_config.entry(&row.case.config).or_default().push(row);
    }
    let mut groups = vec![("without limits (open)".to_owned(), of(Some(Control::Open)).collect())];
    let mut alone: Vec<&Row<'a>> = Vec::new();
    for (config, rows) in by_config {
        if rows.len() > 1 {
            groups.push((format!("config {config}"), rows));
        } else {
            alone.extend(rows);
        }
    }
    alone.sort_by_key(|row| row.place);
    groups.push(("with limits or protections".to_owned(), alone));
    groups.push((
        "controls with a sleeping attacker (sham)".to_owned(),
        of(Some(Control::Sham)).collect(),
    ));
    groups.retain(|(_, rows)| !rows.is_empty());
    groups
}

fn line(row: &Row<'_>, resources: &[Resource], several_machines: bool) -> Markup {
    let case = row.case;
    html! {
        tr {
            th scope="row" {
                a href=(anchor::link(&anchor::case(row.place))) {
                    span .attack { (case.attacker) }
                    span .where { (row.scenario.name) " / " (case.config) @if several_machines { " on " (case.machine) } }
                }
            }
            @for &resource in resources { (field(row, resource)) }
            td .verdict { (chip(case.verdict)) }
        }
    }
}

fn field(row: &Row<'_>, resource: Resource) -> Markup {
    let case = row.case;
    let own = if case.resource == resource { " own" } else { "" };
    let Some(cell) = worst_cell(case, resource) else {
        return html! { td class={ "none" (own) } { (NOTHING) } };
    };
    let index = case.cells.iter().position(|other| std::ptr::eq(other, cell)).unwrap_or(0);
    html! {
        td class={ (class(tone(cell))) (own) } style=(style(heat(cell))) {
            a href=(anchor::link(&anchor::cell(row.place, index))) data-label=(resource) { span { (words(cell)) } }
        }
    }
}
