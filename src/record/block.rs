//! Blocks: stretches of time with the attack off or on, and what the probes saw in them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the attack was off or on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlockState {
    /// The attacker held nothing.
    Off,
    /// The attack had reached its hold state before the block began.
    On,
}

/// Which kind of probe ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlockMode {
    /// All probes together, each at its own low rate, open loop.
    Latency,
    /// One probe alone, closed loop, as fast as it can.
    Capacity,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// The pair it belongs to, from 0; latency and capacity pairs of each probe are counted apart.
    pub pair: u32,
    /// Off or on.
    pub state: BlockState,
    /// Latency or capacity.
    pub mode: BlockMode,
    /// Start, in milliseconds since the case began.
    pub start_ms: f64,
    /// End, in milliseconds since the case began.
    pub end_ms: f64,
    /// CPU time that the attacker's sandbox received in it, in seconds, by the kernel's account; null where nobody counts it.
    #[serde(default)]
    pub attacker_cpu_seconds: Option<f64>,
    /// What each probe saw.
    pub probes: Vec<ProbeSample>,
}

/// What one probe saw in one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeSample {
    /// `resource/operation`.
    pub probe: String,
    /// Operations begun, or due and never begun because their deadline had passed.
    pub attempts: u64,
    /// Operations that succeeded in time.
    pub done: u64,
    /// Operations that failed, by errno name; `ETIME` for those not done by their deadline.
    pub failures: BTreeMap<String, u64>,
    /// How long the probe really ran, in seconds: the divisor of its rate.
    pub elapsed_seconds: f64,
    /// Sum of the latencies of operations that were done, in nanoseconds.
    pub latency_sum_ns: u64,
    /// Latencies of operations that were done, as sparse pairs of value in nanoseconds and count.
    pub latency_ns: Vec<(u64, u64)>,
    /// Time that the probe and the children it waited for spent ready to run and without a CPU, in nanoseconds; null where
    /// it was not read: it is when attacker and victim share CPUs.
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
    /// The probe's own part of such time, without its children's, in nanoseconds; null where the kernel does not tell.
    #[serde(default)]
    pub own_run_delay_ns: Option<u64>,
    /// Latencies of operations that were done, less the wait for a CPU in each, as sparse pairs; empty where not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub net_latency_ns: Vec<(u64, u64)>,
    /// True when the probe never answered: its process was dead, or did not come back in time.
    pub missing: bool,
}
