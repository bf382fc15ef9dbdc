//! What the victim felt over time: a mark for each block, and a shade behind those in which the attack was on.

use super::amount::{amount, duration};
use super::samples::{Seen, failed_share, float, seen};
use super::scale::Scale;
use super::svg::{Anchor, Path, Svg};
use super::{BOTTOM, LEFT, RIGHT, TOP, WIDTH};
use crate::record::{Block, BlockMode, BlockState, histogram_quantile};

const HEIGHT: f64 = 190.0;
const PLOT: (f64, f64) = (TOP, HEIGHT - BOTTOM);

/// The latency of a probe: a bar at the median of each block, a whisker from its 10th to its 90th percentile, and in red from the
/// top the share of operations that failed. `None` without a latency block.
pub(in crate::report) fn latency_chart(blocks: &[Block], probe: &str) -> Option<String> {
    let all = seen(blocks, BlockMode::Latency, probe);
    let range =
        all.iter().filter_map(|it| quantiles(it)).fold(None, |range: Option<(f64, f64)>, it| {
            let (low, high) = range.unwrap_or((f64::INFINITY, 0.0));
            Some((low.min(it[0]), high.max(it[2])))
        });
    let times = time_scale(&all)?;
    let (least, most) = range.unwrap_or((0.0, 1e6));
    let scale = Scale::latency(least, most, (PLOT.1, PLOT.0));
    let mut svg = Svg::new(
        WIDTH,
        HEIGHT,
        &format!("Latency of {probe} in each block over time; blocks under attack are shaded."),
    );
    background(&mut svg, &all, times);
    if range.is_some() {
        axis(&mut svg, scale, duration);
    }
    for state in [BlockState::Off, BlockState::On] {
        let (mut whiskers, mut medians) = (Path::default(), Path::default());
        for it in all.iter().filter(|it| it.block.state == state) {
            let Some([low, middle, high]) = quantiles(it) else { continue };
            let (start, end) = place(times, it.block);
            whiskers.segment(
                ((start + end) / 2.0, scale.at(low)),
                ((start + end) / 2.0, scale.at(high)),
            );
            medians.segment((start, scale.at(middle)), (end, scale.at(middle)));
        }
        svg.path(&format!("whisker {}", class(state)), whiskers.data());
        svg.path(&format!("mark {}", class(state)), medians.data());
    }
    failures(&mut svg, &all, times);
    legend(&mut svg, "median, 10–90 %", all.iter().any(|it| failed_share(it.sample) > 0.0));
    Some(svg.finish())
}

/// The rate of a saturating probe: a bar for each capacity block. `None` without one.
pub(in crate::report) fn rate_chart(blocks: &[Block], probe: &str) -> Option<String> {
    let all = seen(blocks, BlockMode::Capacity, probe);
    let times = time_scale(&all)?;
    let rates: Vec<f64> = all.iter().map(rate).collect();
    let scale = Scale::from_zero(rates.iter().copied().fold(0.0, f64::max), (PLOT.1, PLOT.0));
    let mut svg = Svg::new(
        WIDTH,
        HEIGHT,
        &format!(
            "Operations of {probe} per second in each block over time; blocks under attack are shaded."
        ),
    );
    background(&mut svg, &all, times);
    axis(&mut svg, scale, |value| format!("{}/s", amount(value)));
    for state in [BlockState::Off, BlockState::On] {
        let (mut bars, mut tops) = (Path::default(), Path::default());
        for (it, rate) in all.iter().zip(&rates).filter(|(it, _)| it.block.state == state) {
            let ((start, end), top) = (place(times, it.block), scale.at(*rate));
            bars.rect((start, top), (end - start, PLOT.1 - top));
            tops.segment((start, top), (end, top));
        }
        svg.path(&format!("bar {}", class(state)), bars.data());
        svg.path(&format!("mark {}", class(state)), tops.data());
    }
    failures(&mut svg, &all, times);
    legend(&mut svg, "rate", all.iter().any(|it| failed_share(it.sample) > 0.0));
    Some(svg.finish())
}

pub(super) const fn class(state: BlockState) -> &'static str {
    match state {
        BlockState::Off => "off",
        BlockState::On => "on",
    }
}

fn quantiles(it: &Seen<'_>) -> Option<[f64; 3]> {
    let of = |q| histogram_quantile(&it.sample.latency_ns, q).map(float);
    Some([of(0.1)?, of(0.5)?, of(0.9)?])
}

fn rate(it: &Seen<'_>) -> f64 {
    let seconds = it.sample.elapsed_seconds;
    if seconds > 0.0 && !it.sample.missing { float(it.sample.done) / seconds } else { 0.0 }
}

fn time_scale(all: &[Seen<'_>]) -> Option<Scale> {
    let first = all.first()?.block.start_ms;
    let last = all.iter().map(|it| it.block.end_ms).fold(first, f64::max);
    Some(Scale::between(first / 1e3, last / 1e3, (LEFT, WIDTH - RIGHT)))
}

/// Where a block begins and ends; half a unit at least, so that it can be seen.
fn place(times: Scale, block: &Block) -> (f64, f64) {
    let start = times.at(block.start_ms / 1e3);
    (start, times.at(block.end_ms / 1e3).max(start + 0.5))
}

/// Shades behind the blocks with the attack on, and the axis of time.
fn background(svg: &mut Svg, all: &[Seen<'_>], times: Scale) {
    let mut shades = Path::default();
    for it in all.iter().filter(|it| it.block.state == BlockState::On) {
        let (start, end) = place(times, it.block);
        shades.rect((start, PLOT.0), (end - start, PLOT.1 - PLOT.0));
    }
    svg.path("shade", shades.data());
    time_axis(svg, times, PLOT.1);
}

/// Seconds since the case began.
pub(super) fn time_axis(svg: &mut Svg, times: Scale, bottom: f64) {
    svg.line("axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
    for tick in times.ticks() {
        svg.text("tick", (times.at(tick), bottom + 14.0), Anchor::Middle, &amount(tick));
    }
    svg.text("name", (WIDTH - RIGHT, bottom + 29.0), Anchor::End, "seconds since the case began");
}

/// Numbers and thin lines for a vertical axis.
pub(super) fn axis(svg: &mut Svg, scale: Scale, words: impl Fn(f64) -> String) {
    for tick in scale.ticks() {
        let y = scale.at(tick);
        svg.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
        svg.text("tick", (LEFT - 5.0, y + 4.0), Anchor::End, &words(tick));
    }
}

fn failures(svg: &mut Svg, all: &[Seen<'_>], times: Scale) {
    let mut failed = Path::default();
    for it in all {
        let share = failed_share(it.sample);
        if share > 0.0 {
            let (start, end) = place(times, it.block);
            // A single failure must be seen, too.
            failed.rect((start, PLOT.0), (end - start, (share * (PLOT.1 - PLOT.0)).max(2.0)));
        }
    }
    svg.path("failed", failed.data());
}

/// What the colours stand for, above the plot.
fn legend(svg: &mut Svg, what: &str, failed: bool) {
    let mut x = LEFT;
    let mut entry = |class: &str, words: &str, wide: f64| {
        svg.rect(class, (x, 5.0), (12.0, 8.0));
        svg.text("key", (x + 16.0, 13.0), Anchor::Start, words);
        x += wide;
    };
    entry("bar off key-off", "quiet", 58.0);
    entry("bar on key-on", "attacked", 76.0);
    if failed {
        entry("failed", "failed", 62.0);
    }
    svg.text("name", (WIDTH - RIGHT, 13.0), Anchor::End, what);
}
