//! Which block comes when, and how often each probe runs. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use contain_test_workloads::protocol::{Pace, ProbeOrder};

use super::inject;
use crate::record::{BlockMode, BlockState};
use crate::scenario::Trials;

/// Length of one block, in milliseconds: neighbours in time are alike, and a long block has no near neighbour.
pub const BLOCK_MS: u64 = 250;
/// Pairs of latency blocks in a case.
pub const LATENCY_PAIRS: u32 = 10;
/// Pairs of capacity blocks for each probe that has them.
pub const CAPACITY_PAIRS: u32 = 6;

/// The shortest time between two operations of a latency probe, in microseconds.
const SHORTEST_PERIOD_US: u64 = 5_000;
/// The longest: a block must hold an operation or two. Beyond 5 ms an operation a probe takes more than its share.
const LONGEST_PERIOD_US: u64 = 100_000;
/// A latency probe may use this share of one CPU: one part in twenty.
const SHARE: u64 = 20;
/// An operation not done this long after it was due has failed, in microseconds.
const DEADLINE_US: u64 = 100_000;

/// One block to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The pair it belongs to.
    pub pair: u32,
    /// Off or on.
    pub state: BlockState,
    /// Latency, or capacity of one probe.
    pub what: What,
}

/// What runs in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All probes, open loop.
    Latency,
    /// This probe alone, closed loop.
    Capacity(String),
}

impl Planned {
    /// Latency or capacity.
    #[must_use]
    pub const fn mode(&self) -> BlockMode {
        match self.what {
            What::Latency => BlockMode::Latency,
            What::Capacity(_) => BlockMode::Capacity,
        }
    }
}

/// Latency pairs and capacity pairs of one extension.
const MORE_PAIRS: (u32, u32) = (4, 2);

/// Latency pairs and capacity pairs that an attack is first compared with its placebo in.
const BESIDE_PAIRS: (u32, u32) = (8, 5);

/// The blocks of a case: off and on next to each other in time, the order alternating (off on, on off, off on, …), so
/// that a drift of the machine hits both alike.
#[must_use]
pub fn blocks(capacity_probes: &[String], trials: &Trials) -> Vec<Planned> {
    let (latency, capacity) = inject::pairs().unwrap_or_else(|| first_pairs(trials));
    let mut list = pairs(0..latency, &What::Latency);
    for probe in capacity_probes {
        list.extend(pairs(0..capacity, &What::Capacity(probe.clone())));
    }
    list
}

/// Fresh pairs, numbered on from those before, for a case that the planned ones did not settle.
#[must_use]
pub fn more_blocks(round: u32, capacity_probes: &[String], trials: &Trials) -> Vec<Planned> {
    let (latency, capacity) = first_pairs(trials);
    let next = |first: u32, count: u32| first + round * count..first + (round + 1) * count;
    let mut list = pairs(next(latency, MORE_PAIRS.0), &What::Latency);
    for probe in capacity_probes {
        list.extend(pairs(next(capacity, MORE_PAIRS.1), &What::Capacity(probe.clone())));
    }
    list
}

/// Pairs with the attack and its placebo, numbered on from the `so_far` blocks there are.
#[must_use]
pub fn beside_blocks(so_far: usize, capacity_probes: &[String]) -> Vec<Planned> {
    let (latency, capacity) = if so_far == 0 { BESIDE_PAIRS } else { MORE_PAIRS };
    let first = u32::try_from(so_far).unwrap_or(u32::MAX / 2);
    let mut list = pairs(first..first + latency, &What::Latency);
    for probe in capacity_probes {
        list.extend(pairs(first..first + capacity, &What::Capacity(probe.clone())));
    }
    list
}

fn first_pairs(trials: &Trials) -> (u32, u32) {
    trials.pairs.map_or((LATENCY_PAIRS, CAPACITY_PAIRS), |pairs| (pairs, pairs))
}

fn pairs(numbers: Range<u32>, what: &What) -> Vec<Planned> {
    numbers
        .flat_map(|pair| {
            let order = if pair % 2 == 0 {
                [BlockState::Off, BlockState::On]
            } else {
                [BlockState::On, BlockState::Off]
            };
            order.map(|state| Planned { pair, state, what: what.clone() })
        })
        .collect()
}

/// A schedule for every probe: at most a twentieth of a CPU each, and a phase of its own, so that no two are ever due
/// together. Periods are multiples of one slot, and each probe has its own place within the slot.
#[must_use]
pub fn paces(cost_ns: &BTreeMap<String, u64>, probes: &[&str]) -> BTreeMap<String, Pace> {
    let count = u64::try_from(probes.len().max(1)).unwrap_or(1);
    let place = SHORTEST_PERIOD_US / count;
    (0..)
        .zip(probes)
        .map(|(index, probe)| {
            let cost_us = cost_ns.get(*probe).copied().unwrap_or(0).div_ceil(1000);
            let slots = (cost_us * SHARE).div_ceil(SHORTEST_PERIOD_US).max(1);
            let period_us = (slots * SHORTEST_PERIOD_US).min(LONGEST_PERIOD_US);
            let phase_us = index * place + place / 5;
            ((*probe).to_owned(), Pace::Open { period_us, phase_us, deadline_us: DEADLINE_US })
        })
        .collect()
}

/// The orders for one block.
#[must_use]
pub fn orders(planned: &Planned, paces: &BTreeMap<String, Pace>) -> Vec<ProbeOrder> {
    let order = |probe: &str, pace| ProbeOrder {
        probe: probe.to_owned(),
        pace,
        slowdown: inject::slowdown(probe, planned.state),
    };
    match &planned.what {
        What::Latency => paces.iter().map(|(probe, pace)| order(probe, *pace)).collect(),
        What::Capacity(probe) => vec![order(probe, Pace::Closed)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_alternate_so_that_every_pair_is_made_of_neighbours() {
        let list = blocks(&["pids/fork".to_owned()], &Trials::default());
        let states: String = list
            .iter()
            .map(|block| if block.state == BlockState::On { '1' } else { '0' })
            .collect();
        assert_eq!(states, "01100110011001100110".to_owned() + "011001100110");
        assert_eq!(list[20].what, What::Capacity("pids/fork".to_owned()));
        assert_eq!((list[20].pair, list[31].pair), (0, 5));
    }

    #[test]
    fn more_pairs_are_numbered_on() {
        let list = more_blocks(1, &["pids/fork".to_owned()], &Trials::default());
        let numbers: Vec<u32> = list.iter().map(|block| block.pair).collect();
        assert_eq!(numbers, [14, 14, 15, 15, 16, 16, 17, 17, 8, 8, 9, 9]);
    }

    #[test]
    fn no_probe_takes_more_than_its_share_and_no_two_are_due_together() {
        let cost = BTreeMap::from([("a".to_owned(), 200_000), ("b".to_owned(), 1_000_000)]);
        let paces = paces(&cost, &["a", "b"]);
        let Pace::Open { period_us, phase_us, .. } = paces["a"] else { panic!() };
        assert_eq!((period_us, phase_us), (5_000, 500));
        let Pace::Open { period_us, phase_us, .. } = paces["b"] else { panic!() };
        assert_eq!((period_us, phase_us), (20_000, 3_000));
    }

    #[test]
    fn a_slow_probe_still_runs_a_few_times_in_a_block() {
        let cost = BTreeMap::from([("slow".to_owned(), 50_000_000)]);
        let Pace::Open { period_us, .. } = paces(&cost, &["slow"])["slow"] else { panic!() };
        assert_eq!(period_us, LONGEST_PERIOD_US);
    }
}
