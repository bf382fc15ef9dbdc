//! The report for people: each scenario's tables, what was not as expected, and one summary line.

use super::cells::marked_cells;
use super::escape::escaped;
use super::format::ViewOptions;
use super::grid::grids;
use super::style::{Style, Tone};
use super::summary::marked_summary;
use super::words::expected_of;
use crate::record::{
    Case, CgroupMode, Expected, Machine, Report, ScenarioRecord, Verdict, describe_cell,
};
use crate::scenario::Control;

/// What the cells mean, for whoever sees a table for the first time.
const LEGEND: &str = "×N: took N times as long under attack; +N µs: longer, but too little for a leak; no word: not judged";

/// The narrowest and the widest that a table may be, in columns.
const WIDTHS: (usize, usize) = (60, 100);

/// All scenarios of the record, then the summary line.
#[must_use]
pub fn render_table(report: &Report, options: &ViewOptions) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        text.push_str(&scenario_text(report, scenario, options));
        text.push('\n');
    }
    for failure in &report.cleanup.failures {
        text.push_str(&Tone::Bad.paint(&format!("not cleaned up: {}", escaped(failure))));
        text.push('\n');
    }
    text.push_str(&marked_summary(report));
    Style { color: options.color }.finish(&text)
}

fn scenario_text(report: &Report, scenario: &ScenarioRecord, options: &ViewOptions) -> String {
    let mut text = escaped(&scenario.name).into_owned();
    if let Some(summary) = &scenario.summary {
        text.push_str(&format!(": {}", escaped(summary)));
    }
    text.push('\n');
    for machine in &report.machines {
        if scenario.cases.iter().any(|case| case.machine == machine.id) {
            text.push_str(&machine_line(machine));
        }
    }
    text.push_str(&grids(scenario, options.width.clamp(WIDTHS.0, WIDTHS.1)));
    text.push_str(&Tone::Dim.paint(LEGEND));
    text.push('\n');
    if options.verbose {
        text.push_str(&marked_cells(scenario));
    }
    for case in &scenario.cases {
        for line in remarks(scenario, case, options.verbose) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// The machine in one line, with a newline.
pub(super) fn machine_line(machine: &Machine) -> String {
    let cgroup = match machine.cgroup {
        Some(CgroupMode::V1) => "cgroup v1",
        Some(CgroupMode::V2) => "cgroup v2",
        Some(CgroupMode::Hybrid) => "cgroup v1+v2 (hybrid)",
        None => "no cgroups",
    };
    let guest = machine.guest.as_ref().map_or_else(String::new, |guest| {
        let host = escaped(&guest.host.kernel);
        format!(", a guest ({}) of kernel {host}", guest.accelerator.name())
    });
    format!(
        "{}: kernel {}, {}, {cgroup}, {} CPU{}, {} MiB{guest}\n",
        escaped(&machine.id),
        escaped(&machine.kernel),
        escaped(&machine.arch),
        machine.cpus,
        if machine.cpus == 1 { "" } else { "s" },
        machine.memory_bytes >> 20,
    )
}

/// Unmet expectations, and the reasons of what came to no verdict; marked, without newlines.
pub(super) fn remarks(scenario: &ScenarioRecord, case: &Case, verbose: bool) -> Vec<String> {
    let unmet: Vec<String> = case
        .expectations
        .iter()
        .filter(|it| it.met == Some(false))
        .map(|it| unmet_line(scenario, case, it))
        .collect();
    let noisy = case.control == Some(Control::Sham) && case.verdict.leaks();
    let unsettled =
        matches!(case.verdict, Verdict::Inconclusive | Verdict::Skipped | Verdict::Error);
    let mut lines = unmet;
    lines.extend(case.expectations.iter().filter_map(|it| skipped_line(case, it)));
    if (noisy || (unsettled && !case.expectations.iter().any(|it| it.met == Some(false))))
        && !verbose
    {
        let text = format!("{}: {}: {}", case.config, case.verdict, case.reason);
        lines.push(Tone::of(case.verdict).paint(&escaped(&text)));
    }
    lines
}

/// An unmet expectation with its place, what was seen, and why; marked.
pub(super) fn unmet_line(scenario: &ScenarioRecord, case: &Case, it: &Expected) -> String {
    let place = format!("{}:{}:{}", scenario.file, it.line, it.column);
    let seen = it.seen.as_deref().unwrap_or("nothing");
    let reason = why(case, it).map_or_else(String::new, |why| format!(": {why}"));
    let text = format!(
        "{place}: expected {}, seen {seen} ({}){reason}",
        expected_of(case, it),
        case.config
    );
    Tone::Bad.paint(&escaped(&text))
}

/// Why an expectation does not count on this machine.
fn skipped_line(case: &Case, it: &Expected) -> Option<String> {
    let why = it.skipped.as_ref()?;
    let text = format!("{}: {} is not expected here: {why}", case.config, expected_of(case, it));
    Some(Tone::Dim.paint(&escaped(&text)))
}

/// The case's reason for its own resource, the worst cell for another one; facts speak for themselves.
fn why(case: &Case, it: &Expected) -> Option<String> {
    if it.target == case.resource.name() {
        return Some(case.reason.clone());
    }
    case.cells
        .iter()
        .filter(|cell| cell.probe == it.target || cell.resource.name() == it.target)
        .max_by_key(|cell| cell.verdict.map(Verdict::severity))
        .map(|cell| describe_cell(cell) + ".")
}
