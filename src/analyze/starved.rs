//! Whether the victim waited for a CPU: then it is slower at everything, whatever the attack does besides.

use super::tolerance::capacity_tolerance;
use crate::record::{Block, BlockState, Cell};
use crate::scenario::Resource;

use super::cell::MIN_PAIRS;

/// A probe that spends this share of its operations' time more in waiting than it does when quiet is held up by the CPU: a
/// fifth of the smallest tolerance that it could break.
const LEAST_SHARE: f64 = 0.05;

/// Whether the cpu cell shows it. What the scenario tolerates is no matter here: whether the CPU explains a slowdown is a
/// question of fact.
pub(super) fn by_capacity(cells: &[Cell]) -> bool {
    let least = capacity_tolerance(Resource::Cpu);
    cells.iter().any(|cell| {
        cell.resource == Resource::Cpu
            && cell.capacity_pairs >= MIN_PAIRS
            && cell.isol.is_some_and(|isol| isol.high < least)
    })
}

/// Whether the probe's own run delay shows it: on CPUs of its own too, where others than the attacker run on them. The
/// kernel shares a CPU among groups by weight, and gives a group less of one when it is busy on another
/// (`calc_group_shares` of kernel/sched/fair.c), so an attack can cost its neighbour what a third party then takes.
pub(super) fn by_run_delay(blocks: &[Block], probe: &str) -> bool {
    let share = |state| {
        let (mut waited, mut spent) = (0.0, 0.0);
        let samples = blocks
            .iter()
            .filter(|block| block.state == state)
            .flat_map(|block| block.probes.iter().filter(|it| it.probe == probe && !it.missing));
        for sample in samples {
            waited += as_f64(sample.own_run_delay_ns?);
            spent += as_f64(sample.latency_sum_ns);
        }
        (spent > 0.0).then(|| waited / spent)
    };
    let (on, off) = (share(BlockState::On), share(BlockState::Off));
    on.zip(off).is_some_and(|(on, off)| on - off >= LEAST_SHARE)
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
const fn as_f64(value: u64) -> f64 {
    value as f64
}
