//! Cells: what the attacker did to each probe of the victim.

use std::collections::BTreeSet;

use super::attribution::{Known, apart, attribute};
use super::failures::{Finding, Windows};
use super::pairs::{
    FirstPairs, LatencyMetric, Pair, latency_ratios, net_rate_ratios, pairs_of, rate_ratios,
};
use super::starved;
use super::stats::Bootstrap;
use super::tolerance::{latency_floor_ns, resource_of_probe, tolerance_of};
use crate::record::{
    Beside, Block, BlockMode, Case, Cell, CellKind, Interval, LatencyGrowth, LatencyImpact,
    QuietSample, Verdict,
};
use crate::scenario::{Control, Resource, Tolerances, is_judged};

/// Speed is judged from this many pairs on, and confirmed by as many fresh ones: with four, an interval that is their range
/// holds the true median from one side with a chance of 15/16. With fewer, only failures can decide.
pub const MIN_PAIRS: u32 = 4;

/// By so much of its value each end of a ratio's interval is moved outward. Pairs tell how much a ratio varies, not what is wrong with
/// all of them alike: between on and off of a sham, which does nothing, medians over 120 pairs differ by 0.1 to 0.3 %, and
/// a slowdown put into a probe comes out up to 0.7 % larger, for it also changes how warm the caches are.
pub const SYSTEMATIC: f64 = 0.01;

/// What the cells of one case are judged by.
#[derive(Debug, Clone, Copy)]
pub struct CellRules<'a> {
    /// The attacker's own resource, whose speed is judged.
    pub own: Resource,
    /// Other resources whose speed is judged, because a sham stands for cases of theirs.
    pub stands_for: &'a [Resource],
    /// What the scenario expects something of, whose speed is judged too: a resource, or one probe of it by its operation or
    /// its full name.
    pub named: &'a [(Resource, Option<String>)],
    /// The tolerances that the scenario gives; all others are the defaults of [`tolerance_of`].
    pub tolerances: &'a Tolerances,
    /// Pairs of blocks with the attack on and a placebo in the place of off, see [`Placebo`](crate::record::Placebo); empty
    /// without one.
    pub placebo: &'a [Block],
    /// How many pairs the case began with: all others are fresh, and only fresh ones confirm a slowdown.
    pub first: FirstPairs,
    /// Where attacker and victim have no CPU in common: CPU time that nobody was charged for and that came with the attack, in
    /// seconds for each second of it. Whoever waits for a CPU there waits for others, unless it was for this.
    pub apart: Option<f64>,
    /// A sham shows what the machine does by itself: nothing excuses its slowdowns.
    pub is_sham: bool,
    /// Fixes the intervals.
    pub seed: u64,
}

/// The rules for a case: its own resource, what else a sham stands for, and what is `named`, which the caller got from the
/// scenario or the record.
#[must_use]
pub fn rules_of<'a>(
    case: &'a Case,
    named: &'a [(Resource, Option<String>)],
    tolerances: &'a Tolerances,
    seed: u64,
) -> CellRules<'a> {
    CellRules {
        own: case.resource,
        stands_for: &case.stands_for,
        named,
        tolerances,
        placebo: case.placebo.as_ref().map_or(&[], |placebo| &placebo.blocks),
        first: FirstPairs::of(&case.trials),
        apart: apart(case),
        is_sham: case.control == Some(Control::Sham),
        seed,
    }
}

impl CellRules<'_> {
    /// The tolerance of one probe, as a share.
    fn tolerance(&self, resource: Resource, probe: &str) -> f64 {
        let operation = probe.split_once('/').map_or("", |(_, operation)| operation);
        self.tolerances
            .percent_of(resource, operation)
            .map_or_else(|| tolerance_of(resource), |percent| f64::from(percent) / 100.0)
    }
}

/// Judges every probe that was seen in the blocks, in the order of the report's rows.
///
/// Speed is judged for the attacker's own resource and for those that the rules name; other cells get a verdict for failed
/// operations only. Probes whose names are not `resource/operation` are left out.
#[must_use]
pub fn judge_cells(blocks: &[Block], rules: &CellRules<'_>) -> Vec<Cell> {
    judged_cells(blocks, rules).map(|(cell, _)| cell).collect()
}

/// The same, with what the judge knows of each cell besides.
pub(super) fn judged_cells(
    blocks: &[Block],
    rules: &CellRules<'_>,
) -> impl Iterator<Item = (Cell, Known)> {
    let mut bootstrap = Bootstrap::new(rules.seed);
    let probes: BTreeSet<(Resource, &str)> = blocks
        .iter()
        .flat_map(|block| &block.probes)
        .filter_map(|sample| Some((resource_of_probe(&sample.probe)?, sample.probe.as_str())))
        .collect();
    let mut known: Vec<Known> = Vec::new();
    let mut cells: Vec<Cell> = Vec::new();
    for (resource, probe) in probes {
        let asked = resource == rules.own
            || rules.stands_for.contains(&resource)
            || rules.named.iter().any(|name| names(name, resource, probe));
        let tolerance = rules.tolerance(resource, probe);
        let by = (tolerance, rules.first);
        let measured = Measured::of(blocks, (resource, probe), by, &mut bootstrap);
        known.push(measured.known(asked, blocks));
        cells.push(measured.into_cell(asked));
    }
    attribute(&mut cells, &known, rules, &mut bootstrap);
    cells.into_iter().zip(known)
}

fn names(named: &(Resource, Option<String>), resource: Resource, probe: &str) -> bool {
    let operation = probe.split_once('/').map_or("", |(_, operation)| operation);
    named.0 == resource
        && named.1.as_deref().is_none_or(|wanted| wanted == probe || wanted == operation)
}

/// Everything about one probe, before the verdict.
pub(super) struct Measured {
    pub(super) cell: Cell,
    finding: Finding,
    all: Speeds,
    /// The same over fresh pairs only.
    fresh: Speeds,
}

/// The speed of one probe over some pairs.
#[derive(Clone, Copy)]
struct Speeds {
    /// `rate_on / rate_off`, not clipped, and over how many pairs.
    rate: Option<Interval>,
    capacity_pairs: u32,
    mean: Option<Latency>,
    p50: Option<Latency>,
    latency_pairs: u32,
}

impl Speeds {
    fn of(
        (latency, capacity): (&[Pair<'_>], &[Pair<'_>]),
        floor_ns: f64,
        bootstrap: &mut Bootstrap,
    ) -> Self {
        let rates = rate_ratios(capacity);
        let mut read = |metric| Latency::of(latency, metric, floor_ns, bootstrap);
        let (mean, p50) = (read(LatencyMetric::Mean), read(LatencyMetric::Percentile(0.50)));
        let latencies = latency_ratios(latency, LatencyMetric::Percentile(0.50)).ratios.len();
        let (latency_pairs, capacity_pairs) = (count(latencies), count(rates.len()));
        let rate = bootstrap.interval(&rates).map(widened);
        Self { rate, capacity_pairs, mean, p50, latency_pairs }
    }

    /// The whole interval of the rate lies beyond the tolerance.
    fn rate_leaks(&self, tolerance: f64) -> bool {
        self.capacity_pairs >= MIN_PAIRS
            && self.rate.is_some_and(|rate| rate.high < 1.0 - tolerance)
    }

    /// Latency leaks by one metric at least.
    fn latency_leaks(&self, tolerance: f64) -> [bool; 2] {
        let enough = self.latency_pairs >= MIN_PAIRS;
        [self.mean, self.p50]
            .map(|metric| enough && metric.is_some_and(|metric| metric.leaks(tolerance)))
    }
}

/// One latency metric: `on / off`, not clipped, and `on - off` in nanoseconds.
#[derive(Clone, Copy)]
struct Latency {
    ratio: Interval,
    growth_ns: Interval,
    floor_ns: f64,
}

impl Latency {
    fn of(
        pairs: &[Pair<'_>],
        metric: LatencyMetric,
        floor_ns: f64,
        bootstrap: &mut Bootstrap,
    ) -> Option<Self> {
        let got = latency_ratios(pairs, metric);
        let ratio = widened(bootstrap.interval(&got.ratios)?);
        let growth_ns = bootstrap.interval(&got.growth_ns)?;
        Some(Self { ratio, growth_ns, floor_ns })
    }

    /// The whole interval lies beyond the tolerance, and it is more than a few microseconds.
    fn leaks(&self, tolerance: f64) -> bool {
        self.ratio.low > 1.0 + tolerance && self.growth_ns.median > self.floor_ns
    }

    /// The whole interval lies within the tolerance, or all of the growth below the floor.
    fn within(&self, tolerance: f64) -> bool {
        self.ratio.high <= 1.0 + tolerance || self.growth_ns.high <= self.floor_ns
    }

    /// The median over pairs lies within, whatever the interval.
    fn near(&self, tolerance: f64) -> bool {
        self.ratio.median <= 1.0 + tolerance || self.growth_ns.median <= self.floor_ns
    }
}

impl Measured {
    pub(super) fn of(
        blocks: &[Block],
        (resource, probe): (Resource, &str),
        (tolerance, first): (f64, FirstPairs),
        bootstrap: &mut Bootstrap,
    ) -> Self {
        let latency = pairs_of(blocks, BlockMode::Latency, probe);
        let capacity = pairs_of(blocks, BlockMode::Capacity, probe);
        let windows = Windows::of(blocks, probe);
        let floor = latency_floor_ns(resource);
        let all = Speeds::of((&latency, &capacity), floor, bootstrap);
        let after = |pairs: &[Pair<'_>], first| -> usize {
            pairs.iter().position(|pair| pair.number >= first).unwrap_or(pairs.len())
        };
        let fresh = Speeds::of(
            (
                &latency[after(&latency, first.latency)..],
                &capacity[after(&capacity, first.capacity)..],
            ),
            floor,
            bootstrap,
        );
        let is_fresh = |block: &&Block| match block.mode {
            BlockMode::Latency => block.pair >= first.latency,
            BlockMode::Capacity => block.pair >= first.capacity,
        };
        let finding = windows.finding_with(&Windows::of(blocks.iter().filter(is_fresh), probe));
        let mut read = |metric| Latency::of(&latency, metric, floor, bootstrap);
        let [p90, p99] = [0.90, 0.99].map(|q| read(LatencyMetric::Percentile(q)));
        let (on, off) = (windows.on(), windows.off());
        let Speeds { rate, mean, p50, .. } = all;
        let cell = Cell {
            resource,
            probe: probe.to_owned(),
            kind: CellKind::Interference,
            verdict: None,
            via: None,
            attempts: on.attempts,
            failures: on.failures,
            found: Vec::new(),
            quiet: QuietSample { attempts: off.attempts, failures: off.failures },
            isol: rate.map(|got| map_interval(got, |ratio| ratio.min(1.0))),
            lat_imp: impact(mean, p50, p90, p99),
            lat_growth_ns: growth(mean, p50),
            lat_floor_ns: floor,
            net: net(&latency, &capacity, bootstrap),
            beside_placebo: None,
            faster: is_faster(resource, rate, p50, tolerance),
            tolerance,
            latency_pairs: all.latency_pairs,
            capacity_pairs: all.capacity_pairs,
            missing: count(windows.missing_on()),
        };
        Self { cell, finding, all, fresh }
    }

    fn known(&self, asked: bool, blocks: &[Block]) -> Known {
        let undecided = |speed| matches!(speed, Speed::Unclear | Speed::Suspected);
        let both = self.finding == Finding::Late || self.finding == Finding::Unclear;
        Known {
            finding: self.finding,
            asked,
            suspected_latency: self.finding == Finding::Late
                || self.by_latency() == Speed::Suspected,
            suspected_capacity: self.by_capacity() == Speed::Suspected,
            wants_latency: both || undecided(self.by_latency()),
            wants_capacity: asked
                && is_judged(&self.cell.probe)
                && (both || undecided(self.by_capacity())),
            waits: starved::by_run_delay(blocks, &self.cell.probe),
        }
    }

    fn into_cell(self, asked: bool) -> Cell {
        let verdict = self.verdict(asked);
        Cell { verdict, ..self.cell }
    }

    pub(super) fn verdict(&self, asked: bool) -> Option<Verdict> {
        if !is_judged(&self.cell.probe) {
            return None;
        }
        if matches!(self.finding, Finding::Denied | Finding::DeniedLate) {
            return Some(Verdict::Denied);
        }
        if !asked || (self.cell.resource == Resource::Cpu && self.cell.capacity_pairs == 0) {
            return None;
        }
        let (capacity, latency) = (self.by_capacity(), self.by_latency());
        Some(if capacity == Speed::Leaks || latency == Speed::Leaks {
            Verdict::Degraded
        } else if capacity == Speed::Within
            && latency == Speed::Within
            && self.finding == Finding::None
        {
            Verdict::Contained
        } else {
            Verdict::Inconclusive
        })
    }

    fn by_capacity(&self) -> Speed {
        let tolerance = self.cell.tolerance;
        let Some(rate) = self.all.rate else { return Speed::Unclear };
        if self.all.capacity_pairs < MIN_PAIRS {
            Speed::Unclear
        } else if self.all.rate_leaks(tolerance) {
            if self.fresh.rate_leaks(tolerance) { Speed::Leaks } else { Speed::Suspected }
        } else if rate.low >= 1.0 - tolerance {
            Speed::Within
        } else {
            Speed::Unclear
        }
    }

    /// Either metric convicts, in all pairs and in the fresh ones: an attack may slow every operation or lose time in some. The
    /// median alone acquits, with its whole interval; of the mean, which single stalls of the machine move, only its median
    /// over pairs must agree.
    fn by_latency(&self) -> Speed {
        let tolerance = self.cell.tolerance;
        if self.cell.resource == Resource::Cpu {
            return Speed::Within;
        }
        let (Some(mean), Some(p50)) = (self.all.mean, self.all.p50) else { return Speed::Unclear };
        if self.all.latency_pairs < MIN_PAIRS {
            return Speed::Unclear;
        }
        let suspected = self.all.latency_leaks(tolerance);
        let confirmed = self.fresh.latency_leaks(tolerance);
        if suspected.iter().zip(confirmed).any(|(&all, fresh)| all && fresh) {
            Speed::Leaks
        } else if suspected.contains(&true) {
            Speed::Suspected
        } else if p50.within(tolerance) && mean.near(tolerance) {
            Speed::Within
        } else {
            Speed::Unclear
        }
    }
}

/// What one kind of measurement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speed {
    Within,
    Unclear,
    /// It looks like a leak, and fresh pairs have not confirmed it.
    Suspected,
    Leaks,
}

fn is_faster(
    resource: Resource,
    rate: Option<Interval>,
    p50: Option<Latency>,
    tolerance: f64,
) -> bool {
    let by_rate = rate.map(|rate| rate.low > 1.0 + tolerance);
    let by_latency = p50.is_some_and(|p50| {
        p50.ratio.high < 1.0 - tolerance && -p50.growth_ns.median > p50.floor_ns
    });
    // A light probe wakes sooner on a CPU that somebody else keeps awake: for cpu only throughput counts.
    by_rate.unwrap_or(false) || (by_latency && resource != Resource::Cpu)
}

fn impact(
    mean: Option<Latency>,
    p50: Option<Latency>,
    p90: Option<Latency>,
    p99: Option<Latency>,
) -> Option<LatencyImpact> {
    let above = |got: Latency| map_interval(got.ratio, |ratio| (ratio - 1.0).max(0.0));
    Some(LatencyImpact { mean: above(mean?), p50: above(p50?), p90: above(p90?), p99: above(p99?) })
}

/// Net of the wait for a CPU, where it was read.
fn net(latency: &[Pair<'_>], capacity: &[Pair<'_>], bootstrap: &mut Bootstrap) -> Option<Beside> {
    let mut of = |metric| {
        let ratio = widened(bootstrap.interval(&latency_ratios(latency, metric).ratios)?);
        Some(map_interval(ratio, |ratio| (ratio - 1.0).max(0.0)))
    };
    let (mean, p50) = (of(LatencyMetric::NetMean), of(LatencyMetric::NetPercentile(0.50)));
    let isol = bootstrap
        .interval(&net_rate_ratios(capacity))
        .map(widened)
        .map(|got| map_interval(got, |ratio| ratio.min(1.0)));
    (mean.is_some() || isol.is_some()).then_some(Beside { isol, mean, p50 })
}

fn growth(mean: Option<Latency>, p50: Option<Latency>) -> Option<LatencyGrowth> {
    Some(LatencyGrowth { mean: mean?.growth_ns, p50: p50?.growth_ns })
}

/// Each end moved outward by [`SYSTEMATIC`]; ratios are not negative.
pub(super) fn widened(got: Interval) -> Interval {
    Interval { low: got.low * (1.0 - SYSTEMATIC), high: got.high * (1.0 + SYSTEMATIC), ..got }
}

fn map_interval(got: Interval, f: impl Fn(f64) -> f64) -> Interval {
    Interval { median: f(got.median), low: f(got.low), high: f(got.high) }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
