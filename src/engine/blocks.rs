//! Running one block: order the victim to measure, and keep what it saw.

use std::time::{Duration, Instant};

use contain_test_workloads::protocol::{Measure, Order, ProbeOrder, Reply, Sample};

use super::EngineError;
use super::conversation::{Asked, ask_while};
use super::signals::Signals;
use crate::record::ProbeSample;
use crate::sandbox::Sandbox;

/// The victim may be this late: its probes have two seconds to come back, and then it must still say so.
const GRACE: Duration = Duration::from_secs(5);

/// What came of a block.
#[derive(Debug)]
pub struct BlockResult {
    /// What each probe saw.
    pub probes: Vec<ProbeSample>,
    /// When it began and ended.
    pub span: (Instant, Instant),
    /// True when the victim itself is gone: its samples are missing, and there will be no more.
    pub victim_is_gone: bool,
}

/// Runs one block of `duration_ms` with these probes; with `net`, they read how long they waited for a CPU.
///
/// # Errors
/// [`EngineError::Signal`]. A dead victim is no error but a finding.
pub fn measure(
    victim: &mut Sandbox,
    signals: &mut Signals,
    duration_ms: u64,
    probes: &[ProbeOrder],
    net: bool,
) -> Result<BlockResult, EngineError> {
    measure_while(victim, signals, duration_ms, probes, net, &mut || None)
}

/// The same, with something to do meanwhile, which says how long until it is time to do it again.
///
/// # Errors
/// As [`measure`].
pub fn measure_while(
    victim: &mut Sandbox,
    signals: &mut Signals,
    duration_ms: u64,
    probes: &[ProbeOrder],
    net: bool,
    meanwhile: &mut dyn FnMut() -> Option<Duration>,
) -> Result<BlockResult, EngineError> {
    let begun = Instant::now();
    let order = Order::Measure(Measure { duration_ms, probes: probes.to_vec(), net });
    let limit = Duration::from_millis(duration_ms) + GRACE;
    let answer = ask_while::<_, Reply>(&mut victim.channel, signals, &order, limit, meanwhile)?;
    let span = (begun, Instant::now());
    Ok(match answer {
        Asked::Answer(Reply::Measured { samples }) => BlockResult {
            probes: samples.into_iter().map(recorded).collect(),
            span,
            victim_is_gone: false,
        },
        Asked::Answer(_) | Asked::Gone | Asked::Late => {
            let probes = probes.iter().map(|order| missing(&order.probe)).collect();
            BlockResult { probes, span, victim_is_gone: true }
        }
    })
}

/// The sample of a probe that never answered.
pub fn missing(probe: &str) -> ProbeSample {
    recorded(Sample { probe: probe.to_owned(), missing: true, ..Sample::default() })
}

fn recorded(sample: Sample) -> ProbeSample {
    ProbeSample {
        probe: sample.probe,
        attempts: sample.attempts,
        done: sample.done,
        failures: sample.failures,
        elapsed_seconds: Duration::from_nanos(sample.elapsed_ns).as_secs_f64(),
        latency_sum_ns: sample.latency_sum_ns,
        latency_ns: sample.latency_ns,
        run_delay_ns: sample.run_delay_ns,
        own_run_delay_ns: sample.own_run_delay_ns,
        net_latency_ns: sample.net_latency_ns,
        missing: sample.missing,
    }
}
