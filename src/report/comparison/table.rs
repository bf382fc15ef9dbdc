//! A comparison for terminals: the summary, what changed, and a table with a column for each record.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};

use super::lines::{effect, lines, sign, summary};
use crate::record::{CellChange, Change, Comparison};
use crate::report::clock::rfc3339;
use crate::report::escape::{escaped, shortened};
use crate::report::format::ViewOptions;
use crate::report::style::{Style, Tone};
use crate::report::words::NOTHING;
use crate::report::wrap::{broken, wrapped};

/// The narrowest and the widest that the table may be, in columns.
const WIDTHS: (usize, usize) = (40, 100);

/// Summary, records, changes worst first, and the table of all cells; with `quiet` the summary alone. `verbose` tells the numbers
/// behind each cell, too.
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
    let changed = lines(it);
    for line in &changed {
        let whole = format!("{}: {}", line.change.name(), escaped(&line.text));
        text.push_str(&tone(line.change).paint(&wrapped(&whole, width, 2)));
        text.push('\n');
    }
    if !changed.is_empty() {
        text.push('\n');
    }
    text.push_str(&tables(it, width));
    if options.verbose {
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

/// A row of the table: the same cell in all records, in the order in which they were given.
pub(super) struct Row<'a> {
    pub name: String,
    pub old: Option<String>,
    pub later: Vec<Option<&'a CellChange>>,
}

/// All cells, in the order of the later records.
pub(super) fn rows(it: &Comparison) -> Vec<Row<'_>> {
    let several = it.records.iter().any(|record| record.machines.len() > 1);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for cell in &it.cells {
        let place = &cell.place;
        let machine = if several { format!(" on {}", place.machine) } else { String::new() };
        let name = format!("{}/{}{machine} {}", place.scenario, place.config, cell.probe);
        let key = format!("{name}\u{0}{}\u{0}{}", place.machine, place.runtime);
        let index = *places.entry(key).or_insert(rows.len());
        if index == rows.len() {
            let later = vec![None; it.records.len().saturating_sub(1)];
            rows.push(Row { name, old: None, later });
        }
        let row = &mut rows[index];
        row.old = row.old.take().or_else(|| cell.old.as_ref().map(effect));
        if let Some(slot) = cell.record.checked_sub(1).and_then(|slot| row.later.get_mut(slot)) {
            *slot = Some(cell);
        }
    }
    rows
}

/// Tables of as many records as fit, with OLD in each.
fn tables(it: &Comparison, width: usize) -> String {
    let rows = rows(it);
    let later = it.records.len().saturating_sub(1);
    if rows.is_empty() || later == 0 {
        return String::new();
    }
    let (mut text, mut first) = (String::new(), 0);
    while first < later {
        let fits = (first + 1..=later)
            .rev()
            .find(|&end| end == first + 1 || wide(&table(it, &rows, first..end, width)) <= width);
        let end = fits.unwrap_or(first + 1);
        text.push_str(&table(it, &rows, first..end, width).to_string());
        text.push('\n');
        first = end;
    }
    text
}

fn table(it: &Comparison, rows: &[Row<'_>], part: std::ops::Range<usize>, width: usize) -> Table {
    let columns = part.len() + 2;
    // Each column gets its part of the width, less lines and blanks, and no more than words need.
    let longest = (width.saturating_sub(3 * columns + 1) / columns).clamp(8, 30);
    let cell =
        |text: &str, tone: Tone| tone.paint(&broken(&shortened(text, longest * 4), longest, 1));
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let names = part.clone().map(|index| name(index + 1, it.records.len()));
    table.set_header(["".to_owned(), "OLD".to_owned()].into_iter().chain(names));
    for row in rows {
        let mut line = vec![
            cell(&row.name, Tone::Plain),
            cell(row.old.as_deref().unwrap_or(NOTHING), Tone::Dim),
        ];
        for later in &row.later[part.clone()] {
            line.push(match later {
                None => cell(NOTHING, Tone::Dim),
                Some(it) => {
                    let words = it.new.as_ref().map_or_else(|| NOTHING.to_owned(), effect);
                    format!(
                        "{}\n{}",
                        cell(&words, Tone::Plain),
                        tone(it.change).paint(&broken(sign(it.change), longest, 1))
                    )
                }
            });
        }
        table.add_row(line);
    }
    table
}

/// A blank on each side of every column, and a line before and after.
fn wide(table: &Table) -> usize {
    table.column_max_content_widths().iter().fold(1, |sum, &width| sum + usize::from(width) + 3)
}
