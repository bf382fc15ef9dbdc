//! The grid of one scenario: resources as rows, configs as columns, split where it would grow too wide.

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::shortened;
use super::names::several_machines;
use super::style::Tone;
use super::words::{
    LONGEST, ceiling_words, cell_words, expected_words, received_words, verdict_words,
};
use super::wrap::wrapped;
use crate::record::{Case, ScenarioRecord};
use crate::scenario::{Control, Placement, Resource};

/// What a table needs besides the text of its one config: the widest label, blanks and lines.
const BESIDE_TEXT: usize = 15;

/// One or more tables of at most `width` columns each, with a newline after each.
pub(super) fn grids(scenario: &ScenarioRecord, width: usize) -> String {
    let cases = columns(scenario);
    let rows = resources(&cases);
    let layout = Layout {
        attackers: several_attackers(&cases),
        machines: several_machines(cases.iter().copied()),
        received: shares_cpus(&cases),
        longest: width.saturating_sub(BESIDE_TEXT).clamp(8, LONGEST),
    };
    let mut text = String::new();
    let mut rest = &cases[..];
    while !rest.is_empty() {
        let fitting = (1..=rest.len())
            .rev()
            .find(|&count| count == 1 || wide(&table(&rest[..count], &rows, layout)) <= width);
        let (now, later) = rest.split_at(fitting.unwrap_or(1));
        text.push_str(&table(now, &rows, layout).to_string());
        text.push('\n');
        rest = later;
    }
    text
}

/// What all tables of a scenario have in common.
#[derive(Clone, Copy)]
struct Layout {
    /// The columns name their attackers.
    attackers: bool,
    /// They name their machines.
    machines: bool,
    /// There is a row for the CPU time that attackers received.
    received: bool,
    /// Characters of a line in a cell.
    longest: usize,
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
    Resource::every()
        // The whole view is the verdict of the case.
        .filter(|&resource| resource != Resource::View)
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

/// True when the columns must name their attackers.
pub(super) fn several_attackers(cases: &[&Case]) -> bool {
    let mut names = cases
        .iter()
        .filter(|case| case.control != Some(Control::Sham))
        .map(|case| case.attacker.as_str());
    let first = names.next();
    names.any(|name| Some(name) != first)
}

fn table(cases: &[&Case], rows: &[Resource], layout: Layout) -> Table {
    let Layout { attackers, machines, received, longest } = layout;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(row("", cases, longest, |case| {
        let mut name = shortened(&case.config, longest);
        if attackers {
            name.push('\n');
            name.push_str(&shortened(&case.attacker, longest));
        }
        if machines {
            name.push('\n');
            name.push_str(&shortened(&case.machine, longest));
        }
        (name, if case.control.is_some() { Tone::Dim } else { Tone::Plain })
    }));
    for &resource in rows {
        table.add_row(row(resource.name(), cases, longest, |case| cell_words(case, resource)));
    }
    if received {
        table.add_row(row("received", cases, longest, received_words));
    }
    table.add_row(row("ceiling", cases, longest, ceiling_words));
    table.add_row(row("verdict", cases, longest, verdict_words));
    table.add_row(row("expected", cases, longest, |case| {
        (expected_words(case, longest), Tone::Plain)
    }));
    table
}

fn row(
    label: &str,
    cases: &[&Case],
    longest: usize,
    words: impl Fn(&Case) -> (String, Tone),
) -> Vec<String> {
    let cells = cases.iter().map(|case| {
        let (text, tone) = words(case);
        tone.paint(&wrapped(&text, longest, 2))
    });
    std::iter::once(label.to_owned()).chain(cells).collect()
}

/// A blank on each side of every column, and a line before and after.
fn wide(table: &Table) -> usize {
    table.column_max_content_widths().iter().fold(1, |sum, &width| sum + usize::from(width) + 3)
}
