//! Every cell of a scenario with its intervals: what the table leaves out.

use super::escape::escaped;
use super::style::{Style, Tone};
use super::wrap::wrapped;
use crate::record::{
    Case, Cell, Interval, ScenarioRecord, describe_ceiling, describe_cell, grouped,
};

/// A few lines for each case: its reason, its ceilings, its cells, and what else was measured.
#[must_use]
pub fn render_cells(scenario: &ScenarioRecord, style: Style) -> String {
    style.finish(&marked_cells(scenario, usize::MAX))
}

/// The same in lines of at most `width` columns, marked.
pub(super) fn marked_cells(scenario: &ScenarioRecord, width: usize) -> String {
    let lines: String = scenario.cases.iter().map(case_lines).collect();
    wrapped(&lines, width, 4)
}

fn case_lines(case: &Case) -> String {
    let mut lines = vec![format!(
        "{} ({}): {}: {}",
        escaped(&case.config),
        escaped(&case.attacker),
        Tone::of(case.verdict).paint(case.verdict.name()),
        escaped(&case.reason)
    )];
    lines.extend(settings(case).map(|setting| format!("  {}", escaped(&setting))));
    for ceiling in &case.ceilings {
        let note =
            if ceiling.note.is_empty() { String::new() } else { format!(" ({})", ceiling.note) };
        lines.push(format!("  {}{}", escaped(&describe_ceiling(ceiling)), escaped(&note)));
    }
    lines.extend(case.cells.iter().map(cell_line));
    if let Some(milliseconds) = case.recovery_ms {
        lines.push(format!("  recovered after {milliseconds:.0} ms"));
    }
    if let Some(seconds) = case.out_of_band_cpu_seconds {
        lines.push(format!("  CPU time charged to nobody: {seconds:.3} s"));
    }
    if let Some(bytes) = case.log_bytes {
        lines.push(format!(
            "  the harness read {} bytes of the attacker's output, and used {:.3} s of CPU in all of the case",
            grouped(bytes),
            case.harness_cpu_seconds
        ));
    }
    lines.extend(case.residue.iter().map(|left| format!("  left behind: {}", escaped(left))));
    lines.push(String::new());
    lines.join("\n")
}

/// What else belongs to the case, where it is not as usual.
fn settings(case: &Case) -> impl Iterator<Item = String> {
    let command =
        (!case.command.is_empty()).then(|| format!("runs {}", escaped(&case.command.join(" "))));
    let service = case
        .service
        .as_ref()
        .map(|service| format!("the victim serves with {}", escaped(&service.command.join(" "))));
    let kind = case.kind.map(|kind| format!("kind {kind}"));
    let threads = (case.threads > 1).then(|| format!("{} threads", case.threads));
    let burst = case
        .burst
        .map(|burst| format!("bursts of {} µs in every {} µs", burst.busy_us, burst.period_us));
    let options: Vec<String> =
        case.options.iter().map(|(key, value)| format!("{key} {value}")).collect();
    let options = (!options.is_empty()).then(|| escaped(&options.join(", ")).into_owned());
    let memory = case.memory.map(|memory| memory.to_string());
    let victim = (!case.victim_limits.is_empty()).then(|| {
        let limits = serde_json::to_string(&case.victim_limits).unwrap_or_default();
        format!("the victim's limits: {limits}")
    });
    let elsewhere = case.measured_for.as_ref().map(|whose| format!("measured for {whose}"));
    let placebo = case.placebo.as_ref().map(|placebo| {
        format!(
            "placebo: {} tasks, {} µs in every {} µs, {:.3} of a CPU where the attack took {:.3}",
            placebo.tasks,
            placebo.burst.busy_us,
            placebo.burst.period_us,
            placebo.placebo_cpu,
            placebo.attack_cpu
        )
    });
    let received =
        case.attack_cpu.map(|share| format!("the attacker received {share:.3} of a CPU"));
    let killed = case.oom_kills.victim.filter(|&count| count > 0);
    let killed =
        killed.map(|count| format!("processes of the victim taken by the OOM killer: {count}"));
    let all = [
        command, service, kind, threads, burst, options, memory, killed, victim, elsewhere,
        placebo, received,
    ];
    all.into_iter().flatten()
}

fn cell_line(cell: &Cell) -> String {
    let (word, tone) = cell
        .verdict
        .map_or(("not judged", Tone::Dim), |verdict| (verdict.name(), Tone::of(verdict)));
    // Padded before it is painted: marks must not count.
    let mut text =
        format!("  {} {}", tone.paint(&format!("{word:12}")), escaped(&describe_cell(cell)));
    if let Some(latency) = cell.lat_imp {
        text.push_str(&format!("; p90 {}, p99 {}", interval(latency.p90), interval(latency.p99)));
    }
    if cell.faster {
        text.push_str("; faster under attack");
    }
    text
}

fn interval(got: Interval) -> String {
    format!("×{:.2} ({:.2}–{:.2})", got.median + 1.0, got.low + 1.0, got.high + 1.0)
}
