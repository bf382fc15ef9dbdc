//! The report for people: one summary line, what leaks first, then each scenario's tables.

use super::cells::marked_cells;
use super::escape::escaped;
use super::format::ViewOptions;
use super::grid::grids;
use super::matrix::{self, matrix};
use super::style::{Style, Tone};
use super::summary::{marked_closing, marked_summary};
use super::worst::marked_worst;
use super::wrap::wrapped;
use crate::record::{CgroupMode, Machine, Report, ScenarioRecord};

/// What the cells mean, for whoever sees a table for the first time.
const LEGEND: &str = "×N: took N times as long under attack; +N µs: longer, but too little for a leak; no word: not judged";

/// The narrowest and the widest that a table may be, in columns.
const WIDTHS: (usize, usize) = (40, 100);

/// The summary, the findings, all scenarios of the record, and for several scenarios the summary of each.
#[must_use]
pub fn render_table(report: &Report, options: &ViewOptions) -> String {
    let width = options.width.clamp(WIDTHS.0, WIDTHS.1);
    let mut text = wrapped(&marked_summary(report), width, 2);
    for failure in &report.cleanup.failures {
        let line = wrapped(&format!("not cleaned up: {}", escaped(failure)), width, 2);
        text.push_str(&Tone::Bad.paint(&line));
        text.push('\n');
    }
    for warning in &report.warnings {
        let line = wrapped(&format!("warning: {}", escaped(warning)), width, 2);
        text.push_str(&Tone::Unclear.paint(&line));
        text.push('\n');
    }
    let worst = marked_worst(report, width);
    if !report.scenarios.is_empty() {
        text.push('\n');
    }
    text.push_str(&worst);
    let scenarios: Vec<String> =
        report.scenarios.iter().map(|it| scenario_text(report, it, options, width)).collect();
    text.push_str(&scenarios.join("\n"));
    let closing = marked_closing(report);
    if !closing.is_empty() {
        text.push('\n');
        text.push_str(&wrapped(&closing, width, 2));
    }
    Style { color: options.color }.finish(&text)
}

fn scenario_text(
    report: &Report,
    scenario: &ScenarioRecord,
    options: &ViewOptions,
    width: usize,
) -> String {
    let name = escaped(&scenario.name);
    let head = match &scenario.summary {
        Some(summary) => format!("{name}: {}", escaped(summary)),
        None => name.into_owned(),
    };
    let mut text = Tone::Strong.paint(&wrapped(&head, width, 2));
    text.push('\n');
    for machine in &report.machines {
        if scenario.cases.iter().any(|case| case.machine == machine.id) {
            text.push_str(&wrapped(&machine_line(machine), width, 2));
        }
    }
    let matrix = matrix(scenario, width);
    let legend = if matrix.is_some() && !options.verbose { matrix::LEGEND } else { LEGEND };
    text.push_str(matrix.as_deref().unwrap_or_default());
    // The matrix says it all in one table; the grids have the numbers of the ceilings besides.
    if matrix.is_none() || options.verbose {
        text.push_str(&grids(scenario, width));
    }
    text.push_str(&Tone::Dim.paint(&wrapped(legend, width, 2)));
    text.push('\n');
    if options.verbose {
        text.push_str(&marked_cells(scenario, width));
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
    let rootless = machine.rootless.as_ref();
    let rootless = rootless
        .map_or_else(String::new, |rootless| format!(", without root (uid {})", rootless.uid));
    format!(
        "{}: kernel {}, {}, {cgroup}, {} CPU{}, {} MiB{guest}{rootless}\n",
        escaped(&machine.id),
        escaped(&machine.kernel),
        escaped(&machine.arch),
        machine.cpus,
        if machine.cpus == 1 { "" } else { "s" },
        machine.memory_bytes >> 20,
    )
}
