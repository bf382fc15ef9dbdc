//! How many times as long under attack, by each metric, with intervals, beside the tolerance.

use super::amount::amount;
use super::samples::float;
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use super::{RIGHT, TOP, WIDTH};
use crate::record::{Beside, Cell, Interval};

const NAMES: f64 = 118.0;
const NUMBERS: f64 = 108.0;
const ROW: f64 = 22.0;
const BOTTOM: f64 = 32.0;

/// What is more than this many times as long is drawn at the edge.
const MOST: f64 = 1000.0;

/// One metric: its name, how many times as long, and whether it is judged.
struct Row {
    name: &'static str,
    times: Interval,
    judged: bool,
}

/// A row for each metric: a mark at the median over pairs, a line over its interval. What is shaded is no leak. `None` when nothing
/// was measured.
pub(in crate::report) fn effects_chart(cell: &Cell) -> Option<String> {
    let rows = rows(cell);
    if rows.is_empty() {
        return None;
    }
    let ends = rows.iter().flat_map(|row| [row.times.low, row.times.high]);
    let known = ends.filter(|it| it.is_finite() && *it > 0.0);
    let (low, high) = known
        .fold((0.8_f64, 1.0 + cell.tolerance.clamp(0.0, 10.0) * 1.6), |(low, high), it| {
            (low.min(it), high.max(it.min(MOST)))
        });
    let scale = Scale::log(low.max(0.01), high, (NAMES, WIDTH - RIGHT - NUMBERS));
    let bottom = TOP + ROW * float(rows.len() as u64);
    let mut svg = Svg::new(
        WIDTH,
        bottom + BOTTOM,
        &format!(
            "How many times as long {} took under attack, by each metric, with intervals.",
            cell.probe
        ),
    );
    let tolerated = scale.at(1.0 + cell.tolerance);
    svg.rect("within", (NAMES, TOP - 4.0), (tolerated - NAMES, bottom - TOP + 4.0));
    svg.line("limit", (tolerated, TOP - 4.0), (tolerated, bottom));
    svg.line("axis", (scale.at(1.0), TOP - 4.0), (scale.at(1.0), bottom));
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + ROW * float(index as u64) + 9.0;
        let class = if row.judged { "judged" } else { "shown" };
        svg.text("tick", (NAMES - 6.0, y + 4.0), Anchor::End, row.name);
        svg.line(
            &format!("whisker {class}"),
            (scale.at(row.times.low), y),
            (scale.at(row.times.high), y),
        );
        svg.rect(&format!("dot {class}"), (scale.at(row.times.median) - 3.0, y - 4.0), (6.0, 8.0));
        svg.text("key", (WIDTH - RIGHT, y + 4.0), Anchor::End, &numbers(row.times));
    }
    for tick in scale.ticks() {
        svg.text(
            "tick",
            (scale.at(tick), bottom + 14.0),
            Anchor::Middle,
            &format!("×{}", amount(tick)),
        );
    }
    svg.text("key", (NAMES, 13.0), Anchor::Start, "times as long under attack");
    let about = format!(
        "shaded: within the tolerance of {:.0} %; pale: shown, not judged",
        cell.tolerance * 100.0
    );
    svg.text("name", (WIDTH - RIGHT, bottom + 28.0), Anchor::End, &about);
    Some(svg.finish())
}

fn rows(cell: &Cell) -> Vec<Row> {
    let judged = cell.verdict.is_some();
    let is_cpu = cell.resource == crate::scenario::Resource::Cpu;
    let mut rows = Vec::new();
    let mut add = |name, times: Option<Interval>, judged| {
        rows.extend(times.map(|times| Row { name, times, judged }));
    };
    add("rate", cell.isol.map(inverse), judged);
    if let Some(latency) = cell.lat_imp {
        // cpu is judged by its rate alone.
        let judged = judged && !is_cpu;
        add("median latency", Some(above(latency.p50)), judged);
        add("mean latency", Some(above(latency.mean)), judged);
        add("90 % within", Some(above(latency.p90)), false);
        add("99 % within", Some(above(latency.p99)), false);
    }
    let mut compared = |beside: Option<Beside>, names: [&'static str; 2], judged: bool| {
        let Some(beside) = beside else { return };
        add(names[0], beside.isol.map(inverse), judged);
        add(names[1], beside.p50.map(above), judged);
    };
    compared(cell.net, ["rate, net of wait", "median, net"], false);
    compared(cell.beside_placebo, ["rate, placebo", "median, placebo"], judged);
    rows
}

/// A ratio of rates as times as long.
fn inverse(isol: Interval) -> Interval {
    let of = |rate: f64| if rate > 0.0 { 1.0 / rate } else { f64::INFINITY };
    Interval { median: of(isol.median), low: of(isol.high), high: of(isol.low) }
}

fn above(impact: Interval) -> Interval {
    Interval { median: impact.median + 1.0, low: impact.low + 1.0, high: impact.high + 1.0 }
}

fn numbers(times: Interval) -> String {
    let short = |value: f64| match value {
        value if !value.is_finite() => "∞".to_owned(),
        value if value < 10.0 => format!("{value:.2}"),
        value => amount(value),
    };
    format!("×{} ({}–{})", short(times.median), short(times.low), short(times.high))
}
