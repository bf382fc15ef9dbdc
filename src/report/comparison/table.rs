//! A comparison for terminals: the summary, what changed, and a table with a column for each record.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};

use super::lines::{case_words, effect, lines, sign, summary};
use crate::record::{CasePlace, CaseSeen, Change, Comparison};
use crate::report::clock::rfc3339;
use crate::report::escape::{escaped, shortened};
use crate::report::format::ViewOptions;
use crate::report::style::{Style, Tone};
use crate::report::words::NOTHING;
use crate::report::wrap::{broken, wrapped};

/// The narrowest and the widest that the table may be, in columns.
const WIDTHS: (usize, usize) = (40, 100);

/// Summary, records, changes worst first, and the table of all cases; with `quiet` the summary alone. With `verbose` every cell has a row,
/// too, and the numbers behind it.
#[must_use]
pub fn comparison_table(it: &Comparison, options: &ViewOptions) -> String {
    let width = options.width.clamp(WIDTHS.0, WIDTHS.1);
    let style = Style { color: options.color };
    let head = if it.regression { Tone::Bad } else { Tone::Good };
    if options.quiet {
        return style.finish(&(head.paint(&summary(it)) + "\n"));
    }
    let mut text = head.paint(&wrapped(&summary(it), width, 2)) + "\n";
    for (index, record) in it.records.iter().enumerate() {
        let when = rfc3339(record.started_unix_ms);
        let line = format!(
            "{}: {}, {} {}, {}",
            name(index, it.records.len()),
            escaped(&record.file),
            escaped(&record.tool.name),
            escaped(&record.tool.version),
            when.get(..16).unwrap_or(&when).replace('T', " "),
        );
        text.push_str(&wrapped(&line, width, 2));
        text.push('\n');
    }
    for unlike in &it.unlike {
        let line = format!(
            "unlike: {} of {} is {}, in OLD {}",
            unlike.what, unlike.machine, unlike.new, unlike.old
        );
        text.push_str(&Tone::Unclear.paint(&wrapped(&escaped(&line), width, 2)));
        text.push('\n');
    }
    text.push('\n');
    let changed = lines(it, options.verbose);
    for line in &changed {
        let whole = format!("{}: {}", line.change.name(), escaped(&line.text));
        text.push_str(&tone(line.change).paint(&wrapped(&whole, width, 2)));
        text.push('\n');
    }
    if !changed.is_empty() {
        text.push('\n');
    }
    text.push_str(&tables(it, &case_rows(it), width));
    if options.verbose {
        text.push_str(&tables(it, &cell_rows(it), width));
        for cell in &it.cells {
            let line = format!(
                "{}/{} {}: {}",
                cell.place.scenario, cell.place.config, cell.probe, cell.why
            );
            text.push_str(&wrapped(&escaped(&line), width, 2));
            text.push('\n');
        }
    }
    style.finish(&text)
}

/// `OLD`, `NEW`, or with several later ones `NEW 1` and so on.
pub(super) fn name(index: usize, records: usize) -> String {
    match (index, records) {
        (0, _) => "OLD".into(),
        (_, 2) => "NEW".into(),
        (index, _) => format!("NEW {index}"),
    }
}

pub(super) const fn tone(change: Change) -> Tone {
    match change {
        Change::Worse => Tone::Bad,
        Change::Better => Tone::Good,
        Change::Unchanged => Tone::Plain,
        Change::Undecided => Tone::Unclear,
    }
}

/// A row of a table: one thing in all records, in the order in which they were given.
pub(super) struct Row {
    pub name: String,
    pub seen: Vec<Option<Seen>>,
}

/// What one record says, and which way that went since OLD.
pub(super) struct Seen {
    pub words: String,
    pub change: Option<Change>,
}

/// The name of a case: with its machine, where a record has several.
fn case_name(it: &Comparison, place: &CasePlace) -> String {
    let several = it.records.iter().any(|record| record.machines.len() > 1);
    let machine = if several { format!(" on {}", place.machine) } else { String::new() };
    format!("{}/{}{machine}", place.scenario, place.config)
}

/// All cases.
pub(super) fn case_rows(it: &Comparison) -> Vec<Row> {
    let seen = |it: &CaseSeen| Seen { words: case_words(it), change: it.change };
    it.cases
        .iter()
        .map(|case| Row {
            name: case_name(it, &case.place),
            seen: case.seen.iter().map(|it| it.as_ref().map(seen)).collect(),
        })
        .collect()
}

/// All cells, in the order of the later records.
pub(super) fn cell_rows(it: &Comparison) -> Vec<Row> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows: Vec<Row> = Vec::new();
    for cell in &it.cells {
        let place = &cell.place;
        let name = format!("{} {}", case_name(it, place), cell.probe);
        let key = format!("{name}\u{0}{}\u{0}{}", place.machine, place.runtime);
        let index = *places.entry(key).or_insert(rows.len());
        if index == rows.len() {
            rows.push(Row { name, seen: it.records.iter().map(|_| None).collect() });
        }
        let seen = &mut rows[index].seen;
        if let (Some(old), None) = (&cell.old, &seen[0]) {
            seen[0] = Some(Seen { words: effect(old), change: None });
        }
        let words = cell.new.as_ref().map_or_else(|| NOTHING.to_owned(), effect);
        seen[cell.record] = Some(Seen { words, change: Some(cell.change) });
    }
    rows
}

/// Above each column: which record, and where they ran on unlike machines, on what.
pub(super) fn heads(it: &Comparison) -> Vec<String> {
    let records = it.records.iter().enumerate();
    records
        .map(|(index, record)| {
            let name = name(index, it.records.len());
            match record.machines.as_slice() {
                [machine] if !it.unlike.is_empty() => {
                    let cgroup =
                        machine.cgroup.map_or_else(String::new, |it| format!(" {}", it.name()));
                    format!("{name}\n{}{cgroup}", machine.kernel)
                }
                _ => name,
            }
        })
        .collect()
}

/// Tables of as many records as fit, with OLD in each.
fn tables(it: &Comparison, rows: &[Row], width: usize) -> String {
    let later = it.records.len().saturating_sub(1);
    if rows.is_empty() || later == 0 {
        return String::new();
    }
    let (mut text, mut first) = (String::new(), 0);
    while first < later {
        let fits = (first + 1..=later)
            .rev()
            .find(|&end| end == first + 1 || wide(&table(it, rows, first..end, width)) <= width);
        let end = fits.unwrap_or(first + 1);
        text.push_str(&table(it, rows, first..end, width).to_string());
        text.push('\n');
        first = end;
    }
    text
}

fn table(it: &Comparison, rows: &[Row], part: std::ops::Range<usize>, width: usize) -> Table {
    let columns = part.len() + 2;
    // Each column gets its part of the width, less lines and blanks, and no more than words need.
    let longest = (width.saturating_sub(3 * columns + 1) / columns).clamp(8, 30);
    let cell =
        |text: &str, tone: Tone| tone.paint(&broken(&shortened(text, longest * 4), longest, 1));
    let lines = |text: &str, tone: Tone| -> String {
        text.split('\n').map(|line| cell(line, tone)).collect::<Vec<_>>().join("\n")
    };
    let shown = |seen: Option<&Seen>| match seen {
        None => cell(NOTHING, Tone::Dim),
        Some(Seen { words, change: None }) => lines(words, Tone::Dim),
        Some(Seen { words, change: Some(change) }) => {
            let sign = tone(*change).paint(&broken(sign(*change), longest, 1));
            format!("{}\n{sign}", lines(words, Tone::Plain))
        }
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let heads = heads(it);
    let chosen = || std::iter::once(0).chain(part.clone().map(|index| index + 1));
    let head = chosen().filter_map(|index| heads.get(index)).map(|it| lines(it, Tone::Plain));
    table.set_header(std::iter::once(String::new()).chain(head));
    for row in rows {
        let name = std::iter::once(cell(&row.name, Tone::Plain));
        let seen = chosen().map(|index| shown(row.seen.get(index).and_then(Option::as_ref)));
        table.add_row(name.chain(seen));
    }
    table
}

/// A blank on each side of every column, and a line before and after.
fn wide(table: &Table) -> usize {
    table.column_max_content_widths().iter().fold(1, |sum, &width| sum + usize::from(width) + 3)
}
