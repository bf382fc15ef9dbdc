//! Cells: what one attacker did to one probe of the victim.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::scenario::Resource;

/// The kind of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// What one sandbox's load did to another's.
    Interference,
    /// What a sandbox saw of others, or reached.
    Visibility,
}

/// What the attacker did to one probe of the victim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The probe's resource.
    pub resource: Resource,
    /// The probe, `resource/operation`.
    pub probe: String,
    /// What it shows: an effect of load, or what could be seen.
    pub kind: CellKind,
    /// The verdict; null for cells nobody judged.
    pub verdict: Option<Verdict>,
    /// The resource through which the effect came, when it is another one.
    pub via: Option<Resource>,
    /// Operations attempted in on-blocks, latency and capacity together.
    pub attempts: u64,
    /// Failures in on-blocks, by errno name; of attempts to see, those that failed, `absent` for what was not there.
    pub failures: BTreeMap<String, u64>,
    /// For `visibility`: the attempts that succeeded, those that reached something first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// The same two numbers for off-blocks.
    pub quiet: QuietSample,
    /// `min(rate_on / rate_off, 1)`, median over pairs with its interval; null where not measured.
    pub isol: Option<Interval>,
    /// `max(lat_on / lat_off - 1, 0)`; null where not measured.
    pub lat_imp: Option<LatencyImpact>,
    /// How much longer an operation took under attack, in nanoseconds, negative when it was faster; null where not measured.
    pub lat_growth_ns: Option<LatencyGrowth>,
    /// Growth up to here is no leak whatever the ratio, in nanoseconds.
    pub lat_floor_ns: f64,
    /// The same two, isolation and latency impact, net of the time that the victim and its children waited for a CPU; null
    /// where that was not read.
    #[serde(default)]
    pub net: Option<Beside>,
    /// The same two against the placebo instead of the quiet node; null without one.
    #[serde(default)]
    pub beside_placebo: Option<Beside>,
    /// True when the victim was faster under attack, by more than the tolerance.
    pub faster: bool,
    /// The tolerance it was judged with: 0.25 is 25 %.
    pub tolerance: f64,
    /// Pairs with a usable value, latency pairs.
    pub latency_pairs: u32,
    /// Pairs with a usable value, capacity pairs.
    pub capacity_pairs: u32,
    /// Probe windows that never answered, on-blocks.
    pub missing: u32,
}

/// Isolation and latency impact by another comparison than that with the quiet node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Beside {
    /// Ratio of rates, at most 1; null where not measured.
    pub isol: Option<Interval>,
    /// Latency impact of the mean; null where not measured.
    pub mean: Option<Interval>,
    /// Latency impact of the median; null where not measured.
    pub p50: Option<Interval>,
}

/// What off-blocks show of the same probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuietSample {
    /// Operations attempted.
    pub attempts: u64,
    /// Failures, by errno name.
    pub failures: BTreeMap<String, u64>,
}

/// A median over pairs and its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Median over pairs.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Latency impact, for the mean (lost time) and three percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyImpact {
    /// Of the mean.
    pub mean: Interval,
    /// Of the median.
    pub p50: Interval,
    /// Of the 90th percentile; shown, not judged.
    pub p90: Interval,
    /// Of the 99th percentile; shown, not judged.
    pub p99: Interval,
}

/// Latency under attack less latency when quiet, in nanoseconds, for the metrics that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyGrowth {
    /// Of the mean.
    pub mean: Interval,
    /// Of the median.
    pub p50: Interval,
}
