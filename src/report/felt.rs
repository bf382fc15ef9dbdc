//! Which of a cell's numbers a view shows.
//!
//! A judged cell has a verdict beside its number. A number that nobody judges stands alone, and the worst of three metrics of something
//! that takes a microsecond is often noise: a mean of which one operation in a thousand decides. Such a cell shows what its intervals
//! establish, and where they establish nothing, how long the median operation took.

use crate::record::{Cell, Interval, slowdown};
use crate::scenario::Resource;

/// How many times as long an operation took under attack, from 1 up; `None` when nothing was measured.
pub(super) fn felt(cell: &Cell) -> Option<f64> {
    match cell.verdict {
        Some(_) => slowdown(cell),
        None => established(cell).or_else(|| usual(cell)),
    }
}

/// The resource that it came through, where something came.
pub(super) fn felt_via(cell: &Cell) -> Option<Resource> {
    cell.via.filter(|_| cell.verdict.is_some() || established(cell).is_some())
}

/// The worst of the metrics whose interval leaves out that nothing happened.
fn established(cell: &Cell) -> Option<f64> {
    let rate = cell.isol.filter(|it| it.high < 1.0).map(|it| 1.0 / it.median);
    let later = |it: Interval| (it.low > 0.0).then_some(1.0 + it.median);
    let latency = cell.lat_imp.map(|it| [later(it.mean), later(it.p50)]);
    latency.into_iter().flatten().chain([rate]).flatten().reduce(f64::max)
}

/// The median operation, or without one the rate.
fn usual(cell: &Cell) -> Option<f64> {
    let latency = cell.lat_imp.map(|it| 1.0 + it.p50.median);
    latency.or_else(|| cell.isol.map(|it| 1.0 / it.median))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::{CellKind, LatencyImpact, QuietSample};

    fn cell(mean: (f64, f64), median: (f64, f64), rate: Option<(f64, f64)>) -> Cell {
        let late = |(median, low)| Interval { median, low, high: median + 1.0 };
        let impact =
            LatencyImpact { mean: late(mean), p50: late(median), p90: late(mean), p99: late(mean) };
        Cell {
            resource: Resource::Files,
            probe: "files/open".into(),
            kind: CellKind::Interference,
            verdict: None,
            via: Some(Resource::Cpu),
            attempts: 100,
            failures: BTreeMap::new(),
            found: Vec::new(),
            quiet: QuietSample::default(),
            isol: rate.map(|(median, high)| Interval { median, low: 0.1, high }),
            lat_imp: Some(impact),
            lat_growth_ns: None,
            lat_floor_ns: 0.0,
            net: None,
            beside_placebo: None,
            faster: false,
            tolerance: 0.25,
            latency_pairs: 12,
            capacity_pairs: 0,
            missing: 0,
        }
    }

    #[test]
    fn a_mean_that_may_be_nothing_is_not_shown_and_one_that_is_something_is() {
        let noise = cell((7.7, 0.0), (0.02, 0.0), None);
        assert_eq!((felt(&noise), felt_via(&noise)), (Some(1.02), None));
        let late = cell((7.7, 0.3), (0.02, 0.0), None);
        assert_eq!((felt(&late), felt_via(&late)), (Some(8.7), Some(Resource::Cpu)));
    }

    #[test]
    fn a_rate_that_fell_is_shown() {
        let slow = cell((0.1, 0.0), (0.1, 0.0), Some((0.5, 0.8)));
        assert_eq!(felt(&slow), Some(2.0));
        let noise = cell((0.1, 0.0), (0.1, 0.0), Some((0.5, 1.0)));
        assert_eq!(felt(&noise), Some(1.1));
    }
}
