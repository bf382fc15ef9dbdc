//! Pairs: an off-block and the on-block beside it, how many a case begins with, and for one probe the ratios they give.

use std::collections::BTreeMap;

use crate::record::{
    Block, BlockMode, BlockState, ProbeSample, histogram_mean, histogram_quantile,
};
use crate::scenario::Trials;

/// Pairs of latency blocks that a case begins with.
pub const LATENCY_PAIRS: u32 = 10;
/// Pairs of capacity blocks that a case begins with, for each probe that has them.
pub const CAPACITY_PAIRS: u32 = 6;

/// How many pairs of each kind a case begins with. Pairs with these numbers and above are *fresh*: measured because the
/// first ones did not settle the case, and not seen when the suspicion arose that they are to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPairs {
    /// Pairs of latency blocks.
    pub latency: u32,
    /// Pairs of capacity blocks of each probe.
    pub capacity: u32,
}

impl FirstPairs {
    /// What the scenario asks for, else [`LATENCY_PAIRS`] and [`CAPACITY_PAIRS`].
    #[must_use]
    pub fn of(trials: &Trials) -> Self {
        trials.pairs.map_or(Self { latency: LATENCY_PAIRS, capacity: CAPACITY_PAIRS }, |pairs| {
            Self { latency: pairs, capacity: pairs }
        })
    }
}

/// What one probe saw in the two blocks of a pair.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pair<'a> {
    pub number: u32,
    pub off: Option<&'a ProbeSample>,
    pub on: Option<&'a ProbeSample>,
}

/// The pairs of one probe in one mode, in their order. Of two blocks that claim the same place the first counts.
pub(super) fn pairs_of<'a>(blocks: &'a [Block], mode: BlockMode, probe: &str) -> Vec<Pair<'a>> {
    let mut pairs: BTreeMap<u32, Pair<'a>> = BTreeMap::new();
    for block in blocks.iter().filter(|block| block.mode == mode) {
        let Some(sample) = block.probes.iter().find(|sample| sample.probe == probe) else {
            continue;
        };
        let pair = pairs.entry(block.pair).or_default();
        pair.number = block.pair;
        let place = match block.state {
            BlockState::Off => &mut pair.off,
            BlockState::On => &mut pair.on,
        };
        place.get_or_insert(sample);
    }
    pairs.into_values().collect()
}

/// `rate_on / rate_off` of every usable capacity pair, not clipped. A probe that did not answer under attack did
/// nothing: 0. A pair whose quiet side did nothing says nothing.
pub(super) fn rate_ratios(pairs: &[Pair<'_>]) -> Vec<f64> {
    pairs.iter().filter_map(rate_ratio).collect()
}

fn rate_ratio(pair: &Pair<'_>) -> Option<f64> {
    let off = rate(pair.off.filter(|sample| !sample.missing)?)?;
    let on = pair.on?;
    let on = if on.missing { 0.0 } else { rate(on)? };
    (off > 0.0).then(|| on / off).filter(|ratio| ratio.is_finite())
}

/// Operations done per second; `None` when the probe's time is no positive number.
fn rate(sample: &ProbeSample) -> Option<f64> {
    let seconds = sample.elapsed_seconds;
    (seconds.is_finite() && seconds > 0.0).then(|| as_f64(sample.done) / seconds)
}

/// The same for rates over the time in which the probe did not wait for a CPU; empty where that was not read.
pub(super) fn net_rate_ratios(pairs: &[Pair<'_>]) -> Vec<f64> {
    let ratio = |pair: &Pair<'_>| {
        let (off, on) = (net_rate(pair.off?)?, net_rate(pair.on?)?);
        (off > 0.0).then(|| on / off).filter(|ratio| ratio.is_finite())
    };
    pairs.iter().filter_map(ratio).collect()
}

/// A probe and the child it waits for can wait at the same time, so the waits may exceed the time there was: then they tell
/// nothing.
fn net_rate(sample: &ProbeSample) -> Option<f64> {
    let seconds = sample.elapsed_seconds - as_f64(sample.run_delay_ns?) / 1e9;
    (!sample.missing && seconds.is_finite() && seconds > 0.0).then(|| as_f64(sample.done) / seconds)
}

/// Latency under attack against quiet latency, value by value over the usable pairs.
#[derive(Debug, Clone, Default)]
pub(super) struct LatencyRatios {
    /// `on / off` for each pair, not clipped.
    pub ratios: Vec<f64>,
    /// `on - off` for each pair, in nanoseconds.
    pub growth_ns: Vec<f64>,
}

/// What is read off a block's latencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LatencyMetric {
    /// Sum over count: everything that was lost shows here, and every outlier.
    Mean,
    /// A percentile, as a share.
    Percentile(f64),
    /// The mean, less the wait for a CPU in each operation.
    NetMean,
    /// A percentile of latencies less the wait for a CPU.
    NetPercentile(f64),
}

impl LatencyMetric {
    fn read(self, sample: &ProbeSample) -> Option<f64> {
        if sample.done == 0 || sample.missing {
            return None;
        }
        match self {
            Self::Mean => Some(as_f64(sample.latency_sum_ns) / as_f64(sample.done)),
            Self::Percentile(q) => histogram_quantile(&sample.latency_ns, q).map(as_f64),
            Self::NetMean => histogram_mean(&sample.net_latency_ns),
            Self::NetPercentile(q) => histogram_quantile(&sample.net_latency_ns, q).map(as_f64),
        }
    }
}

/// One metric over all latency pairs. A pair in which either side finished no operation is unusable: failures speak
/// for it.
pub(super) fn latency_ratios(pairs: &[Pair<'_>], metric: LatencyMetric) -> LatencyRatios {
    let mut got = LatencyRatios::default();
    for pair in pairs {
        let (Some(off), Some(on)) = (pair.off, pair.on) else { continue };
        let (Some(off), Some(on)) = (metric.read(off), metric.read(on)) else { continue };
        if off > 0.0 {
            got.ratios.push(on / off);
            got.growth_ns.push(on - off);
        }
    }
    got
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 52 bits")]
const fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_may_say_how_many() {
        let own = FirstPairs { latency: LATENCY_PAIRS, capacity: CAPACITY_PAIRS };
        assert_eq!(FirstPairs::of(&Trials::default()), own);
        let six = Trials { pairs: Some(6), ..Trials::default() };
        assert_eq!(FirstPairs::of(&six), FirstPairs { latency: 6, capacity: 6 });
    }
}
