//! The matrix of a scenario that attacks several resources: what each attack did to each of them, a row for each case, all in one table.

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::shortened;
use super::felt::{felt, felt_via};
use super::grid::{columns, resources};
use super::style::Tone;
use super::words::{NOTHING, short_ceiling, times, verdict_words, worst_cell};
use crate::record::{Case, ScenarioRecord, Verdict};
use crate::scenario::{Control, Resource};

/// So many attacked resources make a matrix: with fewer, the grid says the same and more.
const LEAST: usize = 3;

/// The longest name of a config, in characters.
const LONGEST: usize = 15;

/// What the cells mean.
pub(super) const LEGEND: &str = "[…]: what the attack drains, and is judged by; ×N: took N times as long under attack; c: through the CPU; denied: operations failed";

/// The table, with a newline after it; nothing where a scenario attacks few resources, has several machines, or the table would be wider than
/// `width` columns.
pub(super) fn matrix(scenario: &ScenarioRecord, width: usize) -> Option<String> {
    let cases = rows(scenario)?;
    let resources = resources(&cases);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let names = resources.iter().map(|resource| resource.name().to_owned());
    let last = ["limit", "verdict"].map(str::to_owned);
    table.set_header(std::iter::once(String::new()).chain(names).chain(last));
    for case in cases {
        let name = shortened(&case.config, LONGEST);
        let tone = if case.control.is_some() { Tone::Dim } else { Tone::Plain };
        let mut row = vec![tone.paint(&name)];
        row.extend(resources.iter().map(|&resource| cell(case, resource)));
        row.push(short_ceiling(case));
        row.push(verdict(case));
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    let text = table.to_string();
    let fits = text
        .lines()
        .all(|line| line.chars().filter(|it| !super::style::is_mark(*it)).count() <= width);
    fits.then(|| format!("{text}\n"))
}

/// The shams, and then the cases of each attacked resource, the open ones first; nothing where no matrix is wanted.
fn rows(scenario: &ScenarioRecord) -> Option<Vec<&Case>> {
    let mut cases = columns(scenario);
    let mut attacked: Vec<Resource> = Vec::new();
    for case in cases.iter().filter(|case| case.control != Some(Control::Sham)) {
        if !attacked.contains(&case.resource) {
            attacked.push(case.resource);
        }
    }
    if attacked.len() < LEAST || super::names::several_machines(cases.iter().copied()) {
        return None;
    }
    // Stable: controls stay before what is read against them.
    cases.sort_by_key(|case| match case.control {
        Some(Control::Sham) => None,
        _ => attacked.iter().position(|&resource| resource == case.resource),
    });
    Some(cases)
}

/// One cell; that of the own resource stands out.
fn cell(case: &Case, resource: Resource) -> String {
    let own = case.resource == resource && case.control != Some(Control::Sham);
    let Some(cell) = worst_cell(case, resource) else { return Tone::Dim.paint(NOTHING) };
    let mut text = match (cell.verdict, felt(cell)) {
        (Some(Verdict::Denied), _) => "denied".to_owned(),
        (_, Some(by)) => times(by),
        (_, None) => NOTHING.to_owned(),
    };
    if felt_via(cell).is_some() && cell.verdict != Some(Verdict::Denied) {
        text.push('c');
    }
    if own {
        return cell.verdict.map_or(Tone::Plain, Tone::of).paint(&format!("[{text}]"));
    }
    let denied = cell.verdict == Some(Verdict::Denied);
    (if denied { Tone::Bad } else { Tone::Dim }).paint(&text)
}

/// The verdict, with a sign where something was expected.
fn verdict(case: &Case) -> String {
    let (word, tone) = verdict_words(case);
    let met = || case.expectations.iter().filter_map(|it| it.met);
    let sign = match () {
        () if met().any(|met| !met) => Tone::Bad.paint("✗ "),
        () if met().next().is_some() => Tone::Good.paint("✓ "),
        () => "  ".to_owned(),
    };
    format!("{sign}{}", tone.paint(&word))
}
