//! The grid of one scenario: resources as rows, configs as columns, split where it would grow too wide.

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::shortened;
use super::style::Tone;
use super::words::{
    LONGEST, ceiling_words, cell_words, expected_words, received_words, verdict_words,
};
use crate::record::{Case, ScenarioRecord};
use crate::scenario::{Control, Placement, Resource};

/// One or more tables of at most `width` columns each, with a newline after each.
pub(super) fn grids(scenario: &ScenarioRecord, width: usize) -> String {
    let cases = columns(scenario);
    let rows = resources(&cases);
    let attackers = several_attackers(&cases);
    let mut text = String::new();
    let mut rest = &cases[..];
    while !rest.is_empty() {
        let fitting = (1..=rest.len()).rev().find(|&count| {
            count == 1 || wide(&table(&rest[..count], &cases, &rows, attackers)) <= width
        });
        let (now, later) = rest.split_at(fitting.unwrap_or(1));
        text.push_str(&table(now, &cases, &rows, attackers).to_string());
        text.push('\n');
        rest = later;
    }
    text
}

/// Controls first: what follows is read against them.
pub(super) fn columns(scenario: &ScenarioRecord) -> Vec<&Case> {
    let mut cases: Vec<&Case> = scenario.cases.iter().collect();
    cases.sort_by_key(|case| match case.control {
        Some(Control::Sham) => 0,
        Some(Control::Open) => 1,
        None => 2,
    });
    cases
}

/// The resources that any of the cases speaks of, in the order of the rows.
pub(super) fn resources(cases: &[&Case]) -> Vec<Resource> {
    Resource::ALL
        .into_iter()
        .filter(|&resource| cases.iter().any(|case| speaks_of(case, resource)))
        .collect()
}

fn speaks_of(case: &Case, resource: Resource) -> bool {
    case.resource == resource || case.cells.iter().any(|cell| cell.resource == resource)
}

/// True when what the attacker received is what somebody else lost: on CPUs of its own it may have all of them.
pub(super) fn shares_cpus(cases: &[&Case]) -> bool {
    cases.iter().any(|case| case.placement == Placement::Together && case.attack_cpu.is_some())
}

/// True when the columns must name their machines.
pub(super) fn several_machines(cases: &[&Case]) -> bool {
    cases.windows(2).any(|pair| pair[0].machine != pair[1].machine)
}

/// The machine of a case.
pub(super) fn machine_words(case: &Case) -> (String, Tone) {
    (shortened(&case.machine, LONGEST), Tone::Dim)
}

/// True when the columns must name their attackers.
pub(super) fn several_attackers(cases: &[&Case]) -> bool {
    let mut names = cases
        .iter()
        .filter(|case| case.control != Some(Control::Sham))
        .map(|case| case.attacker.as_str());
    let first = names.next();
    names.any(|name| Some(name) != first)
}

fn table(cases: &[&Case], all: &[&Case], rows: &[Resource], attackers: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(row("", cases, |case| {
        let mut name = shortened(&case.config, LONGEST);
        if attackers {
            name.push('\n');
            name.push_str(&shortened(&case.attacker, LONGEST));
        }
        (name, if case.control.is_some() { Tone::Dim } else { Tone::Plain })
    }));
    if several_machines(all) {
        table.add_row(row("machine", cases, machine_words));
    }
    for &resource in rows {
        table.add_row(row(resource.name(), cases, |case| cell_words(case, resource)));
    }
    if shares_cpus(all) {
        table.add_row(row("received", cases, received_words));
    }
    table.add_row(row("ceiling", cases, ceiling_words));
    table.add_row(row("verdict", cases, verdict_words));
    table.add_row(row("expected", cases, |case| (expected_words(case), Tone::Plain)));
    table
}

fn row(label: &str, cases: &[&Case], words: impl Fn(&Case) -> (String, Tone)) -> Vec<String> {
    let cells = cases.iter().map(|case| {
        let (text, tone) = words(case);
        tone.paint(&text)
    });
    std::iter::once(label.to_owned()).chain(cells).collect()
}

/// A blank on each side of every column, and a line before and after.
fn wide(table: &Table) -> usize {
    table.column_max_content_widths().iter().fold(1, |sum, &width| sum + usize::from(width) + 3)
}
