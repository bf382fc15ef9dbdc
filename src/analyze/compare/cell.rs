//! Cells: what the same attack does to the same probe in two records.

use std::collections::BTreeSet;

use super::matched::Pair;
use super::metric::{is_noise, ratio, share, wilson};
use crate::analyze::cell::{MIN_PAIRS, widened};
use crate::analyze::pairs::{LatencyMetric, latency_ratios, pairs_of, rate_ratios};
use crate::analyze::stats::Bootstrap;
use crate::record::{
    BlockMode, Case, Cell, CellChange, CellEffect, Change, Interval, MetricChange, SetupChange,
    Verdict, failure_sum, slowdown,
};
use crate::scenario::Resource;

/// Every cell of a case, of both records.
pub(super) fn changes(pair: &Pair<'_>, setups: &[SetupChange], seed: u64) -> Vec<CellChange> {
    let cells = |case: Option<&Case>| -> BTreeSet<(Resource, String)> {
        let cells = case.map(|it| it.cells.as_slice()).unwrap_or_default();
        cells.iter().map(|it| (it.resource, it.probe.clone())).collect()
    };
    let names: BTreeSet<(Resource, String)> =
        cells(pair.old).union(&cells(pair.new)).cloned().collect();
    let mut bootstrap = Bootstrap::new(seed);
    names
        .into_iter()
        .map(|(resource, probe)| one(pair, setups, resource, probe, &mut bootstrap))
        .collect()
}

fn one(
    pair: &Pair<'_>,
    setups: &[SetupChange],
    resource: Resource,
    probe: String,
    bootstrap: &mut Bootstrap,
) -> CellChange {
    let find = |case: Option<&'_ Case>| {
        case.and_then(|it| it.cells.iter().find(|cell| cell.probe == probe).cloned())
    };
    let (old, new) = (find(pair.old), find(pair.new));
    let tolerance = old.iter().chain(&new).map(|it| it.tolerance).fold(0.0, f64::max);
    let (change, why, metrics) = match (pair.old.zip(old.as_ref()), pair.new.zip(new.as_ref())) {
        (Some(_), None) => (Change::Undecided, "only OLD has it".to_owned(), Vec::new()),
        (None, _) => (Change::Undecided, "OLD does not have it".to_owned(), Vec::new()),
        (Some(_), Some(_)) if !setups.is_empty() => {
            let what: Vec<&str> = setups.iter().map(|it| it.what).collect();
            (
                Change::Undecided,
                format!("the case was run otherwise: {}", what.join(", ")),
                Vec::new(),
            )
        }
        (Some(old), Some(new)) => decided(old, new, tolerance, bootstrap),
    };
    CellChange {
        record: pair.record,
        place: pair.place.clone(),
        resource,
        probe,
        change,
        why,
        tolerance,
        old: old.as_ref().map(effect),
        new: new.as_ref().map(effect),
        metrics,
    }
}

pub(super) fn effect(cell: &Cell) -> CellEffect {
    CellEffect {
        verdict: cell.verdict,
        via: cell.via,
        times: slowdown(cell).filter(|it| it.is_finite()),
        failed: failed(cell).median,
    }
}

fn failed(cell: &Cell) -> Interval {
    wilson(failure_sum(&cell.failures), cell.attempts)
}

/// Failures first: when operations fail, the speed of the others says little.
fn decided(
    old: (&Case, &Cell),
    new: (&Case, &Cell),
    tolerance: f64,
    bootstrap: &mut Bootstrap,
) -> (Change, String, Vec<MetricChange>) {
    let denied = |cell: &Cell| cell.verdict == Some(Verdict::Denied);
    let failures = share(failed(old.1), failed(new.1), tolerance);
    match (denied(old.1), denied(new.1)) {
        (false, true) => {
            return (
                Change::Worse,
                "its operations fail now and did not before".into(),
                vec![failures],
            );
        }
        (true, false) => {
            let change = if new.1.verdict == Some(Verdict::Inconclusive) {
                Change::Undecided
            } else {
                Change::Better
            };
            return (change, "its operations failed before and do not now".into(), vec![failures]);
        }
        (true, true) => {
            let why = format!(
                "{} of its operations fail, before {}",
                percent(failures.new.median),
                percent(failures.old.median)
            );
            return (failures.change, why, vec![failures]);
        }
        (false, false) => {}
    }
    // Of the CPU no latency tells anything: a light probe is blind to a burner. Where the cell has no rate, nobody judges its speed.
    let blind = |cell: &Cell| cell.resource == Resource::Cpu && cell.isol.is_none();
    if blind(old.1) && blind(new.1) {
        let why = "its operations do not fail; the speed of the CPU is not judged here";
        return (Change::Unchanged, why.into(), Vec::new());
    }
    let metrics = metrics(old, new, tolerance, bootstrap);
    match (old.1.verdict, new.1.verdict) {
        (None, None) => unjudged(metrics, tolerance),
        verdicts => judged(verdicts, metrics, tolerance),
    }
}

/// Cells that at least one record judges by their speed. A suspicion there was confirmed by fresh pairs before it became a leak, so what
/// changed between two of them is a finding.
fn judged(
    verdicts: (Option<Verdict>, Option<Verdict>),
    metrics: Vec<MetricChange>,
    tolerance: f64,
) -> (Change, String, Vec<MetricChange>) {
    let of = |change| {
        let changed = metrics.iter().filter(|it| it.change == change);
        changed.copied().collect::<Vec<_>>()
    };
    let (worse, better) = (of(Change::Worse), of(Change::Better));
    if !worse.is_empty() && !better.is_empty() {
        return (Change::Undecided, "its metrics go either way".into(), metrics);
    }
    if !worse.is_empty() {
        return (Change::Worse, sentence(&worse), worse);
    }
    if !better.is_empty() {
        return (Change::Better, sentence(&better), better);
    }
    // Each was found to be no further from quiet than the tolerance, so from each other they are no further than twice that.
    let within = |it: Option<Verdict>| matches!(it, Some(Verdict::Contained | Verdict::Harmless));
    if !metrics.is_empty() && within(verdicts.0) && within(verdicts.1) {
        return (Change::Unchanged, sentence(&metrics), metrics);
    }
    // Of the mean only the median over pairs must agree, as it is in the judgement of a cell.
    let settled = |it: &MetricChange| match it.metric {
        "mean" => is_noise(it.difference.median, tolerance) || agree(it),
        _ => it.change == Change::Unchanged,
    };
    settle(metrics, settled)
}

/// Cells whose speed neither record judges: they were measured once, for whoever reads the table, and no fresh pairs confirmed what was seen.
/// They are unchanged where each record could have measured what the other one did; no difference of one measurement is worse or better.
fn unjudged(metrics: Vec<MetricChange>, tolerance: f64) -> (Change, String, Vec<MetricChange>) {
    settle(metrics, |it| {
        it.metric == "mean"
            || it.change == Change::Unchanged
            || is_noise(it.difference.median, tolerance) && agree(it)
    })
}

/// Unchanged when every metric is settled, else undecided for those that are not.
fn settle(
    metrics: Vec<MetricChange>,
    settled: impl Fn(&MetricChange) -> bool,
) -> (Change, String, Vec<MetricChange>) {
    if metrics.is_empty() {
        return (Change::Undecided, "too few pairs to compare".into(), metrics);
    }
    let open: Vec<MetricChange> = metrics.iter().filter(|it| !settled(it)).copied().collect();
    if open.is_empty() {
        return (Change::Unchanged, sentence(&metrics), metrics);
    }
    (Change::Undecided, sentence(&open), metrics)
}

/// True when either record could have measured what the other one did: each median lies within the other's interval.
fn agree(it: &MetricChange) -> bool {
    let holds = |interval: Interval, value: f64| interval.low <= value && value <= interval.high;
    holds(it.old, it.new.median) && holds(it.new, it.old.median)
}

/// What both records measured in enough pairs. A cpu cell has its rate alone, as in the judgement of a cell.
fn metrics(
    old: (&Case, &Cell),
    new: (&Case, &Cell),
    tolerance: f64,
    bootstrap: &mut Bootstrap,
) -> Vec<MetricChange> {
    let mut found = Vec::new();
    if let (Some(old), Some(new)) = (rate(old, bootstrap), rate(new, bootstrap)) {
        found.push(ratio("rate", old, new, tolerance));
    }
    let is_cpu = new.1.resource == Resource::Cpu;
    if is_cpu && !found.is_empty() {
        return found;
    }
    for (name, metric) in [("p50", LatencyMetric::Percentile(0.50)), ("mean", LatencyMetric::Mean)]
    {
        if let (Some(before), Some(after)) =
            (latency(old, metric, bootstrap), latency(new, metric, bootstrap))
        {
            let mut change = ratio(name, before.0, after.0, tolerance);
            // A few microseconds more or less are no change, whatever the ratio: the same floor as for a leak.
            let floor = old.1.lat_floor_ns.max(new.1.lat_floor_ns);
            if change.change != Change::Unchanged && (after.1 - before.1).abs() <= floor {
                change.change = Change::Unchanged;
            }
            found.push(change);
        }
    }
    found
}

/// How many times as long by rate, not clipped; `None` with too few pairs.
fn rate((case, cell): (&Case, &Cell), bootstrap: &mut Bootstrap) -> Option<Interval> {
    let ratios = rate_ratios(&pairs_of(&case.blocks, BlockMode::Capacity, &cell.probe));
    let slower: Vec<f64> =
        ratios.iter().map(|&rate| if rate > 0.0 { 1.0 / rate } else { f64::MAX }).collect();
    interval(&slower, bootstrap)
}

/// How many times as long by latency, not clipped, and by how many nanoseconds in the median.
fn latency(
    (case, cell): (&Case, &Cell),
    metric: LatencyMetric,
    bootstrap: &mut Bootstrap,
) -> Option<(Interval, f64)> {
    let got = latency_ratios(&pairs_of(&case.blocks, BlockMode::Latency, &cell.probe), metric);
    let growth = bootstrap.interval(&got.growth_ns)?.median;
    Some((interval(&got.ratios, bootstrap)?, growth))
}

fn interval(values: &[f64], bootstrap: &mut Bootstrap) -> Option<Interval> {
    let enough = u32::try_from(values.len()).is_ok_and(|count| count >= MIN_PAIRS);
    bootstrap.interval(values).filter(|_| enough).map(widened)
}

/// `rate ×1.02 (1.00–1.05), before ×1.50 (1.40–1.60)`.
fn sentence(metrics: &[MetricChange]) -> String {
    let words: Vec<String> = metrics
        .iter()
        .map(|it| format!("{} {}, before {}", it.metric, numbers(it.new), numbers(it.old)))
        .collect();
    words.join("; ")
}

fn numbers(it: Interval) -> String {
    let short = |value: f64| if value > 1e6 { "∞".to_owned() } else { format!("{value:.2}") };
    format!("×{} ({}–{})", short(it.median), short(it.low), short(it.high))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
