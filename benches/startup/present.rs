//! The result as one table for people and one line of JSON.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use contain_test::record::{CgroupMode, Machine};
use serde_json::json;

use crate::Row;
use crate::contender::Sample;
use crate::others::BWRAP;
use crate::ours::{BY_STEP, CGROUPS, FULL};
use crate::quartiles::Quartiles;

pub fn print(rows: &[Row], rounds: usize, machine: &Machine) -> ExitCode {
    match write(rows, rounds, machine) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// One line of the table.
struct Line {
    name: String,
    start: Option<Quartiles>,
    /// Against bwrap, round by round.
    ratio: Option<Quartiles>,
    end: Option<Quartiles>,
    absent: Option<String>,
}

fn write(rows: &[Row], rounds: usize, machine: &Machine) -> io::Result<()> {
    let bwrap = rows.iter().find(|row| row.name == BWRAP).map_or(&[][..], |row| &row.samples);
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        lines.push(line(row.name.clone(), row, bwrap, |sample| sample.ready));
        if row.name == FULL {
            let name = format!("{FULL}, cgroups already made");
            let without = |sample: &Sample| sample.ready.saturating_sub(cgroups(sample));
            lines.push(Line { end: None, ..line(name, row, bwrap, without) });
        }
        if row.name == BY_STEP {
            for index in 0..row.samples.first().map_or(0, |sample| sample.parts.len()) {
                let part = |sample: &Sample| sample.parts[index].1;
                let name = format!("  {}", row.samples[0].parts[index].0);
                lines.push(Line { end: None, ..line(name, row, bwrap, part) });
            }
        }
    }
    let mark = lines.iter().find(|line| line.name == FULL).and_then(|line| line.ratio);

    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "start",
        "median µs",
        "quartiles µs",
        "ratio to bwrap",
        "quartiles",
        "end µs",
    ]);
    for index in 1..6 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in &lines {
        let cell = |value: Option<Quartiles>, digits: usize| {
            value.map_or_else(String::new, |it| format!("{:.digits$}", it.median))
        };
        let spread = |value: Option<Quartiles>, digits: usize| {
            value.map_or_else(String::new, |it| format!("{:.digits$}–{:.digits$}", it.low, it.high))
        };
        let start = line.absent.clone().unwrap_or_else(|| cell(line.start, 0));
        table.add_row([
            line.name.clone(),
            start,
            spread(line.start, 0),
            cell(line.ratio, 2),
            spread(line.ratio, 2),
            cell(line.end, 0),
        ]);
    }
    let cgroup = machine.cgroup.map_or("none", CgroupMode::name);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rounds} rounds, {} {}, cgroup {}, {} CPUs",
        machine.arch, machine.kernel, cgroup, machine.cpus
    )?;
    writeln!(out, "{table}")?;
    match mark {
        Some(ratio) => writeln!(
            out,
            "mark: a start of contain-test, cgroups made and joined, takes no longer than `{BWRAP}`: {} ({:.2})",
            if ratio.median <= 1.0 { "met" } else { "missed" },
            ratio.median
        )?,
        None => writeln!(out, "mark: not judged, there is no `{BWRAP}` to compare with")?,
    }
    let all: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({"name": line.name.trim(), "start_us": line.start.map(|it| it.rounded(1)),
                   "ratio_to_bwrap": line.ratio.map(|it| it.rounded(3)),
                   "end_us": line.end.map(|it| it.rounded(1)), "absent": line.absent})
        })
        .collect();
    writeln!(
        out,
        "{}",
        json!({"benchmark": "startup", "rounds": rounds, "kernel": machine.kernel,
               "arch": machine.arch, "cgroup": cgroup, "cpus": machine.cpus,
               "mark_met": mark.map(|ratio| ratio.median <= 1.0), "lines": all})
    )
}

fn line(name: String, row: &Row, bwrap: &[Sample], of: impl Fn(&Sample) -> Duration) -> Line {
    let ratios = row.samples.iter().zip(bwrap);
    Line {
        name,
        start: Quartiles::of(row.samples.iter().map(|sample| micros(of(sample)))),
        ratio: Quartiles::of(ratios.map(|(own, theirs)| micros(of(own)) / micros(theirs.ready))),
        end: Quartiles::of(row.samples.iter().map(|sample| micros(sample.end))),
        absent: row.absent.clone(),
    }
}

/// The part of a start that was spent on cgroups before anything was cloned.
fn cgroups(sample: &Sample) -> Duration {
    sample.parts.iter().filter(|(name, _)| CGROUPS.contains(name)).map(|(_, taken)| *taken).sum()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
