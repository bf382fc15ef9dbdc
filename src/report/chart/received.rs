//! The CPU time that the attacker's sandbox received, block by block, against its quota.

use super::samples::float;
use super::scale::Scale;
use super::svg::{Anchor, Path, Svg};
use super::timeline::{axis, class, time_axis};
use super::{BOTTOM, LEFT, RIGHT, TOP, WIDTH};
use crate::record::{Block, BlockState, Case};

const HEIGHT: f64 = 170.0;
const PLOT: (f64, f64) = (TOP, HEIGHT - BOTTOM);

/// A bar for each block; `None` where nobody counted, and for an attacker that hardly ran.
pub(in crate::report) fn received_chart(case: &Case) -> Option<String> {
    let mut blocks: Vec<(&Block, f64)> =
        case.blocks.iter().filter_map(|it| Some((it, share(it)?))).collect();
    blocks.sort_by(|(one, _), (other, _)| one.start_ms.total_cmp(&other.start_ms));
    let most = blocks.iter().map(|&(_, share)| share).fold(0.0, f64::max);
    let first = blocks.first()?.0.start_ms;
    let last = blocks.iter().map(|(it, _)| it.end_ms).fold(first, f64::max);
    if most < 0.005 {
        return None;
    }
    let quota = case.limits.cpu_millis.map(|millis| float(millis) / 1e3);
    let up = Scale::from_zero(most.max(quota.unwrap_or(0.0).min(most * 4.0)), (PLOT.1, PLOT.0));
    let times = Scale::between(first / 1e3, last / 1e3, (LEFT, WIDTH - RIGHT));
    let mut svg = Svg::new(
        WIDTH,
        HEIGHT,
        "CPU time that the attacker received in each block, as a share of one CPU.",
    );
    axis(&mut svg, up, |value| format!("{:.0}m", value * 1e3));
    for state in [BlockState::Off, BlockState::On] {
        let mut bars = Path::default();
        for (block, share) in blocks.iter().filter(|(block, _)| block.state == state) {
            let (start, end) = (times.at(block.start_ms / 1e3), times.at(block.end_ms / 1e3));
            bars.rect((start, up.at(*share)), ((end - start).max(0.5), PLOT.1 - up.at(*share)));
        }
        svg.path(&format!("bar {}", class(state)), bars.data());
    }
    if let Some(quota) = quota {
        svg.line("limit", (LEFT, up.at(quota)), (WIDTH - RIGHT, up.at(quota)));
        svg.text("tick", (WIDTH - RIGHT, up.at(quota) - 4.0), Anchor::End, "quota");
    }
    time_axis(&mut svg, times, PLOT.1);
    svg.text("key", (LEFT, 13.0), Anchor::Start, "CPU received by the attacker, of one CPU");
    Some(svg.finish())
}

fn share(block: &Block) -> Option<f64> {
    let seconds = (block.end_ms - block.start_ms) / 1e3;
    let share = block.attacker_cpu_seconds? / seconds;
    (seconds > 0.0 && share.is_finite()).then_some(share.max(0.0))
}
