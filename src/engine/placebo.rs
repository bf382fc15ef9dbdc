//! A placebo for an attack: a load in the attacker's sandbox that burns as much CPU, with as many tasks that wake as often,
//! and does nothing else. The victim is measured beside the attack and beside the placebo, block by block; what differs
//! between the two is not the CPU's doing.

use super::EngineError;
use super::attack::Load;
use super::measure::Course;
use super::schedule::{self, Planned, What};
use crate::record::{Block, BlockMode, BlockState, Case, Placebo};
use crate::scenario::{Burst, Resource};

/// Below this share of one CPU there is nothing that a placebo could burn as well.
const LEAST_SHARE: f64 = 0.005;
/// A placebo that is this near to the attack's share, relatively, is near enough.
const NEAR: f64 = 0.05;
/// How often the placebo is tried and corrected.
const TRIALS: u32 = 6;
/// Tasks wake once in this time, in microseconds, as those of a fork bomb do that was refused.
const PERIOD_US: u64 = 10_000;

/// What came of asking for a placebo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// There is none: the attack hardly uses any CPU.
    None,
    /// Pairs were added.
    Measured,
    /// The victim did not live to see the end of them.
    VictimGone,
}

/// Measures the attack against its placebo: finds the placebo the first time, adds pairs the next.
///
/// # Errors
/// [`EngineError::Signal`]; a load that cannot be switched.
pub fn measure(course: &mut Course<'_, '_, '_>, case: &mut Case) -> Result<Asked, EngineError> {
    let of_cpu = format!("{}/", Resource::Cpu);
    let suspects: Vec<String> =
        course.capacity.iter().filter(|probe| !probe.starts_with(&of_cpu)).cloned().collect();
    let mut placebo = match case.placebo.take() {
        Some(placebo) => tuned(placebo),
        None => match found(course, &case.blocks)? {
            Some(placebo) => placebo,
            None => return Ok(Asked::None),
        },
    };
    let (tasks, burst) = (placebo.tasks, placebo.burst);
    let plan = schedule::beside_blocks(placebo.blocks.len(), &suspects, &case.trials);
    let planned = u32::try_from(plan.len()).unwrap_or(0);
    let mut asked = Asked::Measured;
    for next in &plan {
        let load = match next.state {
            BlockState::On => Load::Attack,
            BlockState::Off => Load::Placebo { tasks, burst },
        };
        let (block, gone) = course.block(next, load, planned)?;
        placebo.blocks.push(block);
        if gone {
            asked = Asked::VictimGone;
            break;
        }
    }
    placebo.attack_cpu = share(&placebo.blocks, BlockState::On).unwrap_or(placebo.attack_cpu);
    placebo.placebo_cpu = share(&placebo.blocks, BlockState::Off).unwrap_or(placebo.placebo_cpu);
    case.placebo = Some(placebo);
    Ok(asked)
}

/// Finds how the placebo must burn to receive what the attack received.
fn found(
    course: &mut Course<'_, '_, '_>,
    blocks: &[Block],
) -> Result<Option<Placebo>, EngineError> {
    let Some(wanted) = share(blocks, BlockState::On).filter(|&share| share >= LEAST_SHARE) else {
        return Ok(None);
    };
    let tasks = course.scene.switch.workers().max(1);
    let mut busy_us = busy_of(wanted, tasks);
    let mut received = 0.0;
    let planned = Planned { pair: 0, state: BlockState::Off, what: What::Latency };
    for _ in 0..TRIALS {
        let burst = Burst { busy_us, period_us: PERIOD_US };
        let (block, gone) = course.block(&planned, Load::Placebo { tasks, burst }, TRIALS)?;
        received = share(&[block], BlockState::Off).unwrap_or(0.0);
        if gone || received <= 0.0 {
            return Ok(None);
        }
        if (received / wanted - 1.0).abs() <= NEAR {
            break;
        }
        busy_us = corrected(busy_us, wanted / received);
    }
    let burst = Burst { busy_us, period_us: PERIOD_US };
    let blocks = Vec::new();
    Ok(Some(Placebo { tasks, burst, attack_cpu: wanted, placebo_cpu: received, blocks }))
}

/// A placebo for one round more, nearer to what the attack received in the rounds before.
fn tuned(mut placebo: Placebo) -> Placebo {
    let ratio = placebo.attack_cpu / placebo.placebo_cpu;
    if ratio.is_finite() && (ratio - 1.0).abs() > NEAR {
        placebo.burst.busy_us = corrected(placebo.burst.busy_us, ratio);
    }
    placebo
}

/// CPU time of the attacker's sandbox in latency blocks of this state, as a share of one CPU.
fn share(blocks: &[Block], state: BlockState) -> Option<f64> {
    let (mut cpu, mut time) = (0.0, 0.0);
    for block in blocks.iter().filter(|it| it.state == state && it.mode == BlockMode::Latency) {
        cpu += block.attacker_cpu_seconds?;
        time += (block.end_ms - block.start_ms) / 1e3;
    }
    (time > 0.0).then(|| cpu / time)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds within one period"
)]
fn busy_of(share: f64, tasks: u64) -> u64 {
    ((share * PERIOD_US as f64 / tasks as f64) as u64).clamp(1, PERIOD_US)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds within one period"
)]
fn corrected(busy_us: u64, by: f64) -> u64 {
    ((busy_us as f64 * by).round() as u64).clamp(1, PERIOD_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_divided_among_the_tasks() {
        assert_eq!(busy_of(0.3, 60), 50);
        assert_eq!(busy_of(1.0, 1), PERIOD_US);
        assert_eq!(busy_of(0.000_1, 100), 1);
        assert_eq!(corrected(50, 0.5), 25);
        assert_eq!(corrected(50, f64::INFINITY), PERIOD_US);
        assert_eq!(corrected(1, 0.0), 1);
    }
}
