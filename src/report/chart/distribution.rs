//! Which share of the operations was done within which time, quiet against attacked. What failed was never done: the line of an
//! attacked probe ends as much lower.

use std::collections::BTreeMap;

use super::amount::duration;
use super::samples::{float, merged, seen};
use super::scale::Scale;
use super::svg::{Anchor, Path, Svg};
use super::timeline::{axis, class};
use super::{BOTTOM, LEFT, RIGHT, TOP, WIDTH};
use crate::record::{Block, BlockMode, BlockState};

const HEIGHT: f64 = 190.0;
const PLOT: (f64, f64) = (TOP, HEIGHT - BOTTOM);

/// More steps than this are not told apart on a line of 340 units.
const STEPS: u64 = 160;

/// Both distributions as steps, latency on a logarithmic scale. `None` when no operation was done.
pub(in crate::report) fn distribution_chart(blocks: &[Block], probe: &str) -> Option<String> {
    let all = seen(blocks, BlockMode::Latency, probe);
    let both = [BlockState::Off, BlockState::On].map(|state| (state, merged(&all, state)));
    let ends = |of: fn(&BTreeMap<u64, u64>) -> Option<&u64>| -> Vec<u64> {
        both.iter().filter_map(|(_, (histogram, _))| of(histogram).copied()).collect()
    };
    let least = ends(|histogram| histogram.keys().next()).into_iter().min()?;
    let most = ends(|histogram| histogram.keys().next_back()).into_iter().max()?;
    let across = Scale::log(float(least.max(1)), float(most.max(2)), (LEFT, WIDTH - RIGHT));
    let up = Scale::between(0.0, 100.0, (PLOT.1, PLOT.0));
    let mut svg = Svg::new(
        WIDTH,
        HEIGHT,
        &format!(
            "Share of the operations of {probe} that were done within a time, quiet and attacked."
        ),
    );
    axis(&mut svg, up, |value| format!("{value:.0} %"));
    svg.line("axis", (LEFT, PLOT.1), (WIDTH - RIGHT, PLOT.1));
    for tick in across.ticks() {
        svg.line("grid", (across.at(tick), PLOT.0), (across.at(tick), PLOT.1));
        svg.text("tick", (across.at(tick), PLOT.1 + 14.0), Anchor::Middle, &duration(tick));
    }
    for (state, (histogram, attempts)) in &both {
        svg.path(&format!("line {}", class(*state)), &steps(histogram, *attempts, across, up));
    }
    svg.text("name", (WIDTH - RIGHT, PLOT.1 + 29.0), Anchor::End, "latency, logarithmic");
    let entry = |svg: &mut Svg, x: f64, state: BlockState, words: &str| {
        svg.line(&format!("line {}", class(state)), (x, 9.0), (x + 18.0, 9.0));
        svg.text("key", (x + 23.0, 13.0), Anchor::Start, words);
    };
    entry(&mut svg, LEFT, BlockState::Off, "quiet");
    entry(&mut svg, LEFT + 68.0, BlockState::On, "attacked");
    svg.text("name", (WIDTH - RIGHT, 13.0), Anchor::End, "done within …");
    Some(svg.finish())
}

/// The steps of one distribution; empty without operations.
fn steps(histogram: &BTreeMap<u64, u64>, attempts: u64, across: Scale, up: Scale) -> String {
    let done = histogram.values().fold(0_u64, |sum, &count| sum.saturating_add(count));
    let all = float(attempts.max(done));
    if done == 0 {
        return String::new();
    }
    let every = (done / STEPS).max(1);
    let mut path = Path::default();
    path.start(LEFT, up.at(0.0));
    let (mut sum, mut drawn) = (0_u64, 0_u64);
    for (&ns, &count) in histogram {
        sum = sum.saturating_add(count);
        if sum - drawn >= every || sum == done {
            path.step(across.at(float(ns)), up.at(float(sum) / all * 100.0));
            drawn = sum;
        }
    }
    path.step(WIDTH - RIGHT, up.at(float(done) / all * 100.0));
    path.data().to_owned()
}
