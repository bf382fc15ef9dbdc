//! How long the victim needs after the attack's end.

use std::collections::BTreeMap;
use std::time::Instant;

use contain_test_workloads::protocol::Pace;

use super::attack::Load;
use super::scene::Scene;
use super::schedule::{self, Planned, What};
use super::surroundings::Surroundings;
use super::{EngineError, blocks};
use crate::record::{Block, BlockMode, BlockState, Case};

/// Width of one stretch, in milliseconds.
const STRETCH_MS: u64 = 25;
/// How many stretches are waited for.
const STRETCHES: u32 = 80;
/// A stretch is clean when its mean is at most this much of the quiet mean.
const RECOVERED: f64 = 1.25;

/// Ends the attack once more, and measures the victim until a stretch is as good as a quiet one.
///
/// # Errors
/// [`EngineError::Signal`]; an attack that cannot be switched.
pub fn watch(
    scene: &mut Scene,
    paces: &BTreeMap<String, Pace>,
    case: &mut Case,
    around: &mut Surroundings<'_>,
) -> Result<(), EngineError> {
    let Some(quiet_mean) = quiet_mean(&case.blocks, &scene.own) else { return Ok(()) };
    scene.switch.turn(Load::Attack, &scene.node, &mut scene.attacker, around.signals)?;
    let ended = Instant::now();
    scene.switch.turn(Load::Off, &scene.node, &mut scene.attacker, around.signals)?;
    let planned = Planned { pair: 0, state: BlockState::Off, what: What::Latency };
    let mut probes = schedule::orders(&planned, paces);
    probes.retain(|order| order.probe == scene.own);
    for _ in 0..STRETCHES {
        let result =
            blocks::measure(&mut scene.victim, around.signals, STRETCH_MS, &probes, false)?;
        if result.victim_is_gone {
            return Ok(());
        }
        let clean = result.probes.iter().all(|probe| {
            probe.failures.is_empty()
                && mean(probe.latency_sum_ns, probe.done)
                    .is_some_and(|mean| mean <= quiet_mean * RECOVERED)
        });
        if clean {
            case.recovery_ms = Some(ended.elapsed().as_secs_f64() * 1e3);
            return Ok(());
        }
    }
    case.residue.push(format!("{} has not recovered within 2 s of the attack's end", scene.own));
    Ok(())
}

fn quiet_mean(blocks: &[Block], probe: &str) -> Option<f64> {
    let mut means: Vec<f64> = blocks
        .iter()
        .filter(|block| block.mode == BlockMode::Latency && block.state == BlockState::Off)
        .filter_map(|block| block.probes.iter().find(|sample| sample.probe == probe))
        .filter_map(|sample| mean(sample.latency_sum_ns, sample.done))
        .collect();
    means.sort_by(f64::total_cmp);
    means.get(means.len() / 2).copied()
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn mean(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}
