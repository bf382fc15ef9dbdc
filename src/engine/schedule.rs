//! Which block comes when, and how often each probe runs. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use contain_test_workloads::protocol::{AWAKE_US, Pace, ProbeOrder};

use super::inject;
use crate::analyze::{FirstPairs, Wanted};
use crate::record::{Block, BlockMode, BlockState};
use crate::scenario::Trials;

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

/// Fresh pairs of each kind in one round.
const MORE_PAIRS: u32 = 4;

/// Latency pairs and capacity pairs that an attack is first compared with its placebo in.
const BESIDE_PAIRS: (u32, u32) = (8, 5);

/// The blocks of a case: off and on next to each other in time, the order alternating (off on, on off, off on, …), so
/// that a drift of the machine hits both alike. Where the latency alone may be enough it comes first.
#[must_use]
pub fn blocks(capacity_probes: &[String], trials: &Trials, latency_first: bool) -> Vec<Planned> {
    let (latency, capacity) = inject::pairs().unwrap_or_else(|| {
        let first = FirstPairs::of(trials);
        (first.latency, first.capacity)
    });
    let kinds = capacities(capacity_probes);
    if trials.is_hurried() && latency == capacity && !latency_first {
        let all: Vec<What> = [What::Latency].into_iter().chain(kinds).collect();
        return pairs(0..latency, &all);
    }
    let mut list = pairs(0..latency, &[What::Latency]);
    list.extend(each(0..capacity, kinds, trials));
    list
}

fn capacities(probes: &[String]) -> Vec<What> {
    probes.iter().cloned().map(What::Capacity).collect()
}

/// Pairs of each kind after those of the kind before, or in a hurry of all kinds at once.
fn each(numbers: Range<u32>, kinds: Vec<What>, trials: &Trials) -> Vec<Planned> {
    if trials.is_hurried() {
        return pairs(numbers, &kinds);
    }
    kinds.into_iter().flat_map(|kind| pairs(numbers.clone(), &[kind])).collect()
}

/// Fresh pairs of what is wanted, numbered on from those in `so_far`.
#[must_use]
pub fn more_blocks(wanted: &Wanted, so_far: &[Block], trials: &Trials) -> Vec<Planned> {
    let first = FirstPairs::of(trials);
    let numbers = |first: u32, belongs: &dyn Fn(&Block) -> bool| {
        let last = so_far.iter().filter(|block| belongs(block)).map(|block| block.pair).max();
        let next = last.map_or(first, |last| first.max(last + 1));
        next..next + MORE_PAIRS
    };
    let mut list = Vec::new();
    if wanted.latency {
        let latency = numbers(first.latency, &|block| block.mode == BlockMode::Latency);
        list.extend(pairs(latency, &[What::Latency]));
    }
    for probe in &wanted.capacity {
        let capacity = numbers(first.capacity, &|block| {
            block.mode == BlockMode::Capacity && block.probes.iter().any(|it| it.probe == *probe)
        });
        list.extend(pairs(capacity, &[What::Capacity(probe.clone())]));
    }
    list
}

/// Pairs with the attack and its placebo, numbered on from the `so_far` blocks there are.
#[must_use]
pub fn beside_blocks(so_far: usize, capacity_probes: &[String], trials: &Trials) -> Vec<Planned> {
    let is_first = so_far == 0 && !trials.is_hurried();
    let (latency, capacity) = if is_first { BESIDE_PAIRS } else { (MORE_PAIRS, MORE_PAIRS) };
    let first = u32::try_from(so_far).unwrap_or(u32::MAX / 2);
    let mut list = pairs(first..first + latency, &[What::Latency]);
    list.extend(each(first..first + capacity, capacities(capacity_probes), trials));
    list
}

/// Of each pair the blocks of all kinds in one state, then those in the other. One switch serves all of them, at the price that the two blocks of a
/// kind are further apart in time.
fn pairs(numbers: Range<u32>, kinds: &[What]) -> Vec<Planned> {
    let states = |pair: u32| match pair % 2 {
        0 => [BlockState::Off, BlockState::On],
        _ => [BlockState::On, BlockState::Off],
    };
    numbers
        .flat_map(|pair| states(pair).map(|state| (pair, state)))
        .flat_map(|(pair, state)| {
            kinds.iter().cloned().map(move |what| Planned { pair, state, what })
        })
        .collect()
}

/// A schedule for every probe: at most a twentieth of a CPU each, the time it is awake beforehand included, and a phase of its own, so that no two are ever due
/// together. Periods are multiples of one slot, which has room for one operation of each, and each probe has its own place within the slot.
#[must_use]
pub fn paces(cost_ns: &BTreeMap<String, u64>, probes: &[String]) -> BTreeMap<String, Pace> {
    let width = |probe: &str| AWAKE_US + cost_ns.get(probe).copied().unwrap_or(0).div_ceil(1000);
    let all: u64 = probes.iter().map(|probe| width(probe)).sum();
    let slot = match all.div_ceil(SHORTEST_PERIOD_US).max(1) * SHORTEST_PERIOD_US {
        slot if slot * 2 <= LONGEST_PERIOD_US => slot,
        // There would be one in a period all the same.
        _ => LONGEST_PERIOD_US,
    };
    let count = u64::try_from(probes.len().max(1)).unwrap_or(1);
    let gap = slot.saturating_sub(all) / count;
    let longest = LONGEST_PERIOD_US / slot * slot;
    let mut begins_us = 0;
    let mut paces = BTreeMap::new();
    for probe in probes {
        let slots = (width(probe) * SHARE).div_ceil(slot).max(1);
        let period_us = (slots * slot).min(longest);
        let phase_us = begins_us + AWAKE_US;
        begins_us += width(probe) + gap;
        let pace = Pace::Open { period_us, phase_us, deadline_us: DEADLINE_US };
        paces.insert(probe.clone(), pace);
    }
    paces
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
        let list = blocks(&["pids/fork".to_owned()], &Trials::default(), false);
        let states: String = list
            .iter()
            .map(|block| if block.state == BlockState::On { '1' } else { '0' })
            .collect();
        assert_eq!(states, "01100110011001100110".to_owned() + "011001100110");
        assert_eq!(list[20].what, What::Capacity("pids/fork".to_owned()));
        assert_eq!((list[20].pair, list[31].pair), (0, 5));
    }

    #[test]
    fn in_a_hurry_one_switch_serves_all_kinds() {
        let probes = ["disk/fsync".to_owned(), "disk/read".to_owned()];
        let switches =
            |list: &[Planned]| list.windows(2).filter(|two| two[0].state != two[1].state).count();
        let (hurried, whole) = (Trials::QUICK, Trials { budget_ms: 1, ..Trials::QUICK });
        let all = blocks(&probes, &hurried, false);
        assert_eq!((all.len(), switches(&all)), (24, 4));
        let as_long = blocks(&probes, &whole, false);
        assert_eq!((as_long.len(), switches(&as_long)), (24, 12));
        let latency_first = blocks(&probes, &hurried, true);
        assert!(latency_first[..8].iter().all(|block| block.what == What::Latency));
        assert_eq!((latency_first.len(), switches(&latency_first)), (24, 8));
        // Every kind has each of its pairs, whatever the order.
        for what in [What::Latency, What::Capacity("disk/read".to_owned())] {
            let pairs: Vec<u32> =
                all.iter().filter(|block| block.what == what).map(|block| block.pair).collect();
            assert_eq!(pairs, [0, 0, 1, 1, 2, 2, 3, 3]);
        }
        assert_eq!(beside_blocks(0, &probes, &hurried).len(), 24);
        assert_eq!(beside_blocks(0, &probes, &whole).len(), 36);
    }

    #[test]
    fn more_pairs_are_numbered_on() {
        let wanted = Wanted {
            latency: true,
            capacity: vec!["pids/fork".to_owned()],
            besides_cpu: false,
            waits_for_cpu: false,
        };
        let numbers = |so_far: &[Block]| -> Vec<u32> {
            let list = more_blocks(&wanted, so_far, &Trials::default());
            list.iter().step_by(2).map(|block| block.pair).collect()
        };
        assert_eq!(numbers(&[]), [10, 11, 12, 13, 6, 7, 8, 9], "fresh ones, whatever there is");
        let block = |pair, mode| Block {
            pair,
            state: BlockState::On,
            mode,
            start_ms: 0.0,
            end_ms: 250.0,
            attacker_cpu_seconds: None,
            probes: Vec::new(),
        };
        let latency = block(13, BlockMode::Latency);
        let other = block(20, BlockMode::Capacity);
        assert_eq!(numbers(&[latency, other]), [14, 15, 16, 17, 6, 7, 8, 9], "each kind apart");
        assert!(more_blocks(&Wanted::default(), &[], &Trials::default()).is_empty());
    }

    #[test]
    fn no_probe_takes_more_than_its_share_and_no_two_are_due_together() {
        // What was seen of six probes, in nanoseconds, and the same ten times as slow, as on an emulated CPU.
        let seen = [1_000_000, 90_000, 400, 1_500, 2_500, 40_000];
        let names = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
        for slower in [1, 10] {
            let cost: BTreeMap<String, u64> =
                names.iter().zip(seen).map(|(name, ns)| (name.clone(), ns * slower)).collect();
            let paces = paces(&cost, &names);
            let mut busy: Vec<(u64, u64)> = Vec::new();
            let mut slot = u64::MAX;
            for (name, pace) in &paces {
                let Pace::Open { period_us, phase_us, .. } = *pace else { panic!() };
                let cost_us = cost[name].div_ceil(1000);
                assert!(
                    (AWAKE_US + cost_us) * SHARE <= period_us || period_us > LONGEST_PERIOD_US / 2,
                    "{name}: {period_us}"
                );
                slot = slot.min(period_us);
                busy.push((phase_us - AWAKE_US, phase_us + cost_us));
            }
            for pace in paces.values() {
                let Pace::Open { period_us, .. } = *pace else { panic!() };
                assert_eq!(period_us % SHORTEST_PERIOD_US, 0);
            }
            busy.sort_unstable();
            assert!(busy.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{busy:?}");
            assert!(busy.last().unwrap().1 <= slot, "{busy:?} in {slot}");
        }
    }

    #[test]
    fn a_few_quick_probes_share_the_shortest_slot() {
        let cost = BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 700_000)]);
        let paces = paces(&cost, &["a".to_owned(), "b".to_owned()]);
        let Pace::Open { period_us, phase_us, .. } = paces["a"] else { panic!() };
        assert_eq!((period_us, phase_us), (5_000, 250));
        let Pace::Open { period_us, phase_us, .. } = paces["b"] else { panic!() };
        assert_eq!((period_us, phase_us), (20_000, 2_400));
    }

    #[test]
    fn a_slow_probe_still_runs_a_few_times_in_a_block() {
        let cost = BTreeMap::from([("slow".to_owned(), 50_000_000)]);
        let Pace::Open { period_us, .. } = paces(&cost, &["slow".to_owned()])["slow"] else {
            panic!()
        };
        assert!((LONGEST_PERIOD_US / 2..=LONGEST_PERIOD_US).contains(&period_us), "{period_us}");
    }
}
