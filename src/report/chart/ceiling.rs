//! Usage against limit: how far the attacker came, where its own limit stands, and where the node is full.

use super::amount::{amount, bytes};
use super::samples::float;
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use super::{RIGHT, WIDTH};
use crate::record::{Ceiling, grouped};
use crate::scenario::{NodeSpec, Resource};

const LEFT: f64 = 8.0;
const HEIGHT: f64 = 92.0;
/// Top and bottom of the bar.
const BAR: (f64, f64) = (34.0, 56.0);

/// One bar from 0 to what the node has or the limit allows; `None` for what is no amount.
pub(in crate::report) fn ceiling_chart(ceiling: &Ceiling, node: NodeSpec) -> Option<String> {
    let peak = float(ceiling.peak?);
    let limit = float(ceiling.limit);
    let capacity = capacity(ceiling, node);
    let most = capacity.unwrap_or(0.0).max(limit).max(peak);
    // A limit that is a small part of the node would be a line at the edge: then the node is told in words alone.
    let fits = limit * 12.0 >= most || peak * 3.0 >= most;
    let most = if fits { most } else { limit.max(peak) * 1.25 };
    let scale = Scale::from_zero(most, (LEFT, WIDTH - RIGHT));
    let words = |value: f64| words(ceiling, value);
    let mut svg = Svg::new(
        WIDTH,
        HEIGHT,
        &format!("{}: peak {} of a limit of {}.", ceiling.knob, words(peak), words(limit)),
    );
    svg.text("key", (LEFT, 13.0), Anchor::Start, &ceiling.knob);
    svg.text(
        "key",
        (WIDTH - RIGHT, 13.0),
        Anchor::End,
        &format!("peak {} of {}", words(peak), words(limit)),
    );
    svg.rect("track", (LEFT, BAR.0), (WIDTH - RIGHT - LEFT, BAR.1 - BAR.0));
    let class = if ceiling.kept { "used" } else { "failed" };
    svg.rect(class, (LEFT, BAR.0), (scale.at(peak) - LEFT, BAR.1 - BAR.0));
    if let Some(capacity) = capacity.filter(|_| fits) {
        svg.line("capacity", (scale.at(capacity), BAR.0 - 6.0), (scale.at(capacity), BAR.1 + 6.0));
    }
    svg.line("limit", (scale.at(limit), BAR.0 - 8.0), (scale.at(limit), BAR.1 + 8.0));
    let near_end = scale.at(limit) > WIDTH / 2.0;
    let (anchor, gap) = if near_end { (Anchor::End, -4.0) } else { (Anchor::Start, 4.0) };
    svg.text("tick", (scale.at(limit) + gap, BAR.0 - 5.0), anchor, "limit");
    for tick in scale.ticks() {
        let anchor = match scale.at(tick) {
            x if x < LEFT + 12.0 => Anchor::Start,
            x if x > WIDTH - RIGHT - 24.0 => Anchor::End,
            _ => Anchor::Middle,
        };
        svg.text("tick", (scale.at(tick), BAR.1 + 15.0), anchor, &words(tick));
    }
    let node = capacity.map(|capacity| format!("the node has {}", words(capacity)));
    let peak = ceiling.node_peak.map(|peak| format!("its own peak was {}", words(float(peak))));
    let about: Vec<String> = [node, peak].into_iter().flatten().collect();
    svg.text("name", (LEFT, HEIGHT - 4.0), Anchor::Start, &about.join(", "));
    Some(svg.finish())
}

/// What the node has of it, in the knob's unit.
fn capacity(ceiling: &Ceiling, node: NodeSpec) -> Option<f64> {
    if ceiling.is_cpuset() {
        return Some(f64::from(node.cpus));
    }
    match ceiling.resource {
        Resource::Pids => Some(float(node.pids)),
        Resource::Memory => Some(float(node.memory_bytes)),
        _ => None,
    }
}

fn words(ceiling: &Ceiling, value: f64) -> String {
    match ceiling.resource {
        // Microseconds in each tenth of a second are hundredths of a thousandth of a CPU.
        Resource::Cpu if ceiling.is_quota() => format!("{:.0}m CPU", value / 100.0),
        Resource::Cpu => amount(value),
        Resource::Memory => bytes(value),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of tasks and files, not negative"
        )]
        _ if value < 1e5 => grouped(value as u64),
        _ => amount(value),
    }
}
