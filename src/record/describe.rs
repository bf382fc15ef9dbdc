//! Sentences and numbers that sum up a cell or a ceiling, for `reason` and for views.

use std::collections::BTreeMap;

use super::{Beside, Ceiling, CeilingLevel, Cell, CellKind, Interval, Verdict};
use crate::scenario::Resource;

/// One sentence, without a full stop, about what a cell shows: its failures when they decided, else its speed.
///
/// `×1.30 (1.10–1.50)` is the median over pairs with its interval: how many times as long an operation took under
/// attack, or for `rate` which part of the quiet rate was left.
#[must_use]
pub fn describe_cell(cell: &Cell) -> String {
    if cell.kind == CellKind::Visibility {
        return sight(cell);
    }
    let mut parts = Vec::new();
    if !cell.failures.is_empty() {
        parts.push(failures(cell));
    }
    if cell.missing > 0 {
        let times = if cell.missing == 1 { "window" } else { "windows" };
        parts.push(format!(
            "{} did not answer in {} {times} under attack",
            cell.probe, cell.missing
        ));
    }
    if cell.verdict != Some(Verdict::Denied) || parts.is_empty() {
        parts.push(speed(cell));
    }
    if let Some(via) = cell.via {
        parts.push(match cell.verdict {
            Some(Verdict::Inconclusive) => {
                format!("it waited for {via}, so {} itself is not shown", cell.resource)
            }
            _ => format!("that came through {via}"),
        });
    }
    if let Some(beside) = cell.beside_placebo {
        let what = "beside a placebo, which burns as much CPU and does nothing else";
        parts.extend(comparison(&beside).map(|numbers| format!("{what}: {numbers}")));
    } else if let Some(net) = cell.net.filter(|_| cell.via.is_some()) {
        let what = "net of the wait for a CPU";
        parts.extend(comparison(&net).map(|numbers| format!("{what}: {numbers}")));
    }
    parts.join("; ")
}

/// What of others was found, and what was refused.
fn sight(cell: &Cell) -> String {
    let failed: Vec<String> =
        cell.failures.iter().map(|(why, count)| format!("{why} ×{count}")).collect();
    let failed =
        if failed.is_empty() { String::new() } else { format!(" ({})", failed.join(", ")) };
    let verdict = cell.verdict.map_or("not judged", Verdict::name);
    match cell.found.as_slice() {
        [] => format!("{} is {verdict}: none of {} attempts{failed}", cell.probe, cell.attempts),
        found => {
            format!("{} is {verdict} by {}{failed}", cell.probe, found.join(", "))
        }
    }
}

/// What another comparison than that with the quiet node shows.
fn comparison(beside: &Beside) -> Option<String> {
    let latency =
        |name, got: Option<Interval>| got.map(|got| format!("{name} ×{}", interval(got, 1.0)));
    let rate = beside.isol.map(|isol| format!("rate ×{}", interval(isol, 0.0)));
    let parts: Vec<String> = [latency("median", beside.p50), latency("mean", beside.mean), rate]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn failures(cell: &Cell) -> String {
    let failed = failure_sum(&cell.failures);
    let quiet = failure_sum(&cell.quiet.failures);
    format!(
        "{} failed {} of {} times with {} under attack, {} of {} when quiet",
        cell.probe,
        grouped(failed),
        grouped(cell.attempts.max(failed)),
        cell.failures.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        grouped(quiet),
        grouped(cell.quiet.attempts.max(quiet)),
    )
}

fn speed(cell: &Cell) -> String {
    let mut parts = Vec::new();
    if let (Some(latency), true) = (cell.lat_imp, cell.resource != Resource::Cpu) {
        parts.push(format!("median ×{}", interval(latency.p50, 1.0)));
        parts.push(format!("mean ×{}", interval(latency.mean, 1.0)));
    }
    if let Some(isol) = cell.isol {
        parts.push(format!("rate ×{}", interval(isol, 0.0)));
    }
    if parts.is_empty() {
        return format!("{} has no pair of blocks to compare", cell.probe);
    }
    let pairs = match (cell.latency_pairs, cell.capacity_pairs) {
        (latency, _) if cell.resource != Resource::Cpu && cell.isol.is_none() => {
            latency.to_string()
        }
        (_, capacity) if cell.resource == Resource::Cpu || cell.lat_imp.is_none() => {
            capacity.to_string()
        }
        (latency, capacity) => format!("{latency}+{capacity}"),
    };
    let tolerance = cell.tolerance * 100.0;
    let floor = below_floor(cell).unwrap_or_default();
    format!(
        "{} {} in {pairs} pairs, tolerance {tolerance:.0} %{floor}",
        cell.probe,
        parts.join(", ")
    )
}

/// Why a latency beyond the tolerance is no leak: it grew by a few microseconds only.
fn below_floor(cell: &Cell) -> Option<String> {
    let grown = below_floor_us(cell)?;
    let floor = cell.lat_floor_ns / 1e3;
    Some(format!(" (it took {grown:.0} µs longer, and up to {floor:.0} µs are no leak)"))
}

/// By how many microseconds an operation took longer where that is beyond the tolerance and no leak all the same, because
/// it is below the floor; `None` for all other cells.
#[must_use]
pub fn below_floor_us(cell: &Cell) -> Option<f64> {
    let (impact, growth) = (cell.lat_imp?, cell.lat_growth_ns?);
    if cell.via.is_some() {
        return None;
    }
    let most = impact.p50.median.max(impact.mean.median);
    let grown = growth.p50.median.max(growth.mean.median);
    (cell.verdict == Some(Verdict::Contained) && most > cell.tolerance).then_some(grown / 1e3)
}

fn interval(got: Interval, add: f64) -> String {
    format!("{:.2} ({:.2}–{:.2})", got.median + add, got.low + add, got.high + add)
}

/// One sentence, without a full stop, about a limit: `pids.max 64 held: peak 64, 12,345 refusals`. A setting that is no
/// amount can only be said to be in force.
#[must_use]
pub fn describe_ceiling(ceiling: &Ceiling) -> String {
    if !ceiling.is_amount() {
        let state = if ceiling.kept { "was in force" } else { "was changed" };
        let cpus = if ceiling.is_cpuset() { " (a number of CPUs)" } else { "" };
        return format!("{} {}{cpus} {state}", ceiling.knob, ceiling.limit);
    }
    let held = match (ceiling.kept, ceiling.level) {
        (false, _) => "was passed",
        (true, CeilingLevel::Node) => "was not what stopped it, the node's capacity was",
        (true, CeilingLevel::Pod) => "of the pod held",
        (true, CeilingLevel::Sandbox | CeilingLevel::Inferred) => "held",
    };
    let peak = ceiling
        .peak
        .map_or_else(|| "peak unknown".into(), |peak| format!("peak {}", grouped(peak)));
    if let (true, Some(on)) = (ceiling.is_cpuset(), ceiling.peak) {
        let plural = if ceiling.limit == 1 { "" } else { "s" };
        return format!("{} of {} CPU{plural} {held}: it ran on {on}", ceiling.knob, ceiling.limit);
    }
    let count = ceiling.count.map_or_else(String::new, |count| {
        let what = match (ceiling.is_quota(), ceiling.counts_kills()) {
            _ if ceiling.is_link_rate() => "wait",
            (true, _) => "throttled period",
            (_, true) => "OOM kill",
            _ => "refusal",
        };
        format!(", {} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
    });
    let with_swap = if ceiling.is_with_swap() { " with swap, which is left open" } else { "" };
    format!("{} {} {held}: {peak}{with_swap}{count}", ceiling.knob, ceiling.limit)
}

/// How many times as long an operation took under attack by the worst of the judged metrics (mean, median, rate), from
/// 1 up; infinite when nothing was done at all, `None` when nothing was measured. A cpu cell that was judged is described
/// by its rate alone: the latency of a light probe does not see a CPU hog.
#[must_use]
pub fn slowdown(cell: &Cell) -> Option<f64> {
    let rate = cell.isol.map(|isol| 1.0 / isol.median);
    let latency = cell
        .lat_imp
        .filter(|_| cell.resource != Resource::Cpu || rate.is_none() && cell.verdict.is_none())
        .map(|latency| 1.0 + latency.mean.median.max(latency.p50.median));
    match (rate, latency) {
        (Some(rate), Some(latency)) => Some(rate.max(latency)),
        (one, other) => one.or(other),
    }
}

/// The failures of all errnos together.
#[must_use]
pub fn failure_sum(failures: &BTreeMap<String, u64>) -> u64 {
    failures.values().fold(0, |sum, &count| sum.saturating_add(count))
}

/// Digits in groups of three, `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
