//! Through which resource a slowdown came: a burner of CPU, a placebo, and a starved victim without either.

use std::collections::BTreeMap;

use contain_test::analyze::{CellRules, FirstPairs, judge_cells};
use contain_test::record::{Block, BlockMode, BlockState, Cell, ProbeSample, Verdict};
use contain_test::scenario::{Resource, Tolerances};

/// What one side of a pair shows of forks: latency, rate, missed deadlines among 50.
#[derive(Clone, Copy)]
struct Forks {
    latency_ns: u64,
    net_ns: u64,
    rate: u64,
    late: u64,
}

const QUIET: Forks = Forks { latency_ns: 300_000, net_ns: 290_000, rate: 1000, late: 0 };
const SLOW: Forks = Forks { latency_ns: 900_000, net_ns: 300_000, rate: 400, late: 0 };

fn sample(probe: &str, done: u64, late: u64, latency: Option<(u64, u64)>) -> ProbeSample {
    let histogram = |value: u64| vec![(value, done)];
    ProbeSample {
        probe: probe.into(),
        attempts: done + late,
        done,
        failures: [("ETIME".to_owned(), late)].into_iter().filter(|it| it.1 > 0).collect(),
        elapsed_seconds: 0.25,
        latency_sum_ns: latency.map_or(0, |(gross, _)| gross * done),
        latency_ns: latency.map_or(Vec::new(), |(gross, _)| histogram(gross)),
        run_delay_ns: latency.map(|(gross, net)| (gross - net) * done),
        own_run_delay_ns: None,
        net_latency_ns: latency.map_or(Vec::new(), |(_, net)| histogram(net)),
        missing: false,
    }
}

fn pairs(off: Forks, on: Forks, cpu_rates: Option<(u64, u64)>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut add = |pair, state, mode, probe| {
        blocks.push(Block {
            pair,
            state,
            mode,
            start_ms: 0.0,
            end_ms: 250.0,
            attacker_cpu_seconds: Some(0.1),
            probes: vec![probe],
        });
    };
    for pair in 0..8 {
        for (state, forks) in [(BlockState::Off, off), (BlockState::On, on)] {
            let light = sample(
                "pids/fork",
                50 - forks.late,
                forks.late,
                Some((forks.latency_ns, forks.net_ns)),
            );
            add(pair, state, BlockMode::Latency, light);
            add(pair, state, BlockMode::Capacity, sample("pids/fork", forks.rate, 0, None));
        }
    }
    for pair in 0..8 {
        if let Some((off, on)) = cpu_rates {
            for (state, rate) in [(BlockState::Off, off), (BlockState::On, on)] {
                add(pair, state, BlockMode::Capacity, sample("cpu/work", rate, 0, None));
            }
        }
    }
    blocks
}

/// Nothing named, no placebo, every pair fresh.
fn rules(own: Resource, tolerances: &Tolerances) -> CellRules<'_> {
    CellRules {
        own,
        stands_for: &[],
        named: &[],
        tolerances,
        placebo: &[],
        first: FirstPairs { latency: 0, capacity: 0 },
        apart: None,
        is_sham: false,
        seed: 1,
    }
}

fn judged(
    blocks: &[Block],
    placebo: &[Block],
    own: Resource,
    asked: bool,
) -> BTreeMap<Resource, Cell> {
    let named = if asked { vec![(Resource::Pids, None)] } else { Vec::new() };
    let tolerances = Tolerances(BTreeMap::new());
    let rules = CellRules { named: &named, placebo, ..rules(own, &tolerances) };
    judge_cells(blocks, &rules).into_iter().map(|cell| (cell.resource, cell)).collect()
}

#[test]
fn what_a_burner_of_cpu_slows_it_slows_through_the_cpu() {
    let blocks = pairs(QUIET, SLOW, Some((1000, 500)));
    let cells = judged(&blocks, &[], Resource::Cpu, true);
    assert_eq!(cells[&Resource::Cpu].verdict, Some(Verdict::Degraded));
    let forks = &cells[&Resource::Pids];
    assert_eq!((forks.verdict, forks.via), (Some(Verdict::Contained), Some(Resource::Cpu)));
    assert!(forks.lat_imp.unwrap().p50.median > 1.9, "the number is shown all the same");
    let cells = judged(&blocks, &[], Resource::Cpu, false);
    assert_eq!(cells[&Resource::Pids].verdict, None, "and nobody judges what nobody asked for");
    assert_eq!(cells[&Resource::Pids].via, Some(Resource::Cpu));
}

#[test]
fn a_placebo_that_slows_as_much_acquits() {
    let blocks = pairs(QUIET, SLOW, Some((1000, 700)));
    let cells = judged(&blocks, &pairs(SLOW, SLOW, None), Resource::Pids, false);
    let forks = &cells[&Resource::Pids];
    assert_eq!((forks.verdict, forks.via), (Some(Verdict::Contained), Some(Resource::Cpu)));
    let beside = forks.beside_placebo.unwrap();
    assert!(beside.p50.unwrap().median.abs() < 1e-9 && beside.isol.unwrap().median > 0.99);
}

#[test]
fn a_placebo_that_does_not_convicts() {
    let blocks = pairs(QUIET, SLOW, Some((1000, 700)));
    let cells = judged(&blocks, &pairs(QUIET, SLOW, None), Resource::Pids, false);
    let forks = &cells[&Resource::Pids];
    assert_eq!((forks.verdict, forks.via), (Some(Verdict::Degraded), None));
    // Even where the victim kept its CPU: what the attack wakes may slow it otherwise.
    let blocks = pairs(QUIET, SLOW, Some((1000, 990)));
    let cells = judged(&blocks, &pairs(SLOW, SLOW, None), Resource::Pids, false);
    assert_eq!(cells[&Resource::Pids].verdict, Some(Verdict::Contained));
}

#[test]
fn deadlines_missed_for_want_of_a_cpu_are_no_denial_and_others_are() {
    let late = Forks { late: 20, ..SLOW };
    let blocks = pairs(QUIET, late, Some((1000, 500)));
    let verdict =
        |placebo: &[Block], own| judged(&blocks, placebo, own, true)[&Resource::Pids].verdict;
    assert_eq!(verdict(&[], Resource::Cpu), Some(Verdict::Contained));
    assert_eq!(verdict(&pairs(late, late, None), Resource::Pids), Some(Verdict::Contained));
    assert_eq!(verdict(&pairs(SLOW, late, None), Resource::Pids), Some(Verdict::Denied));
    assert_eq!(verdict(&[], Resource::Pids), Some(Verdict::Inconclusive), "nothing tells");
}

/// The same blocks, in which each probe tells that so many percent of its operations' time were a wait for a CPU.
fn waiting(mut blocks: Vec<Block>, off: u64, on: u64) -> Vec<Block> {
    for block in &mut blocks {
        let share = if block.state == BlockState::On { on } else { off };
        for sample in &mut block.probes {
            sample.own_run_delay_ns = Some(sample.latency_sum_ns * share / 100);
        }
    }
    blocks
}

#[test]
fn who_waits_for_a_cpu_that_a_third_party_takes_proves_nothing_of_another_resource() {
    let waits = waiting(pairs(QUIET, SLOW, None), 1, 30);
    let cells = judged(&waits, &[], Resource::Pids, true);
    let forks = &cells[&Resource::Pids];
    assert_eq!((forks.verdict, forks.via), (Some(Verdict::Inconclusive), Some(Resource::Cpu)));
    // A placebo decides, as it does where attacker and victim share a CPU.
    let cells = judged(&waits, &pairs(SLOW, SLOW, None), Resource::Pids, true);
    assert_eq!(cells[&Resource::Pids].verdict, Some(Verdict::Contained));
    let cells = judged(&waits, &pairs(QUIET, SLOW, None), Resource::Pids, true);
    assert_eq!(cells[&Resource::Pids].verdict, Some(Verdict::Degraded));
    // A wait that was there before the attack, or is next to none, excuses nothing.
    for (off, on) in [(30, 30), (0, 4)] {
        let blocks = waiting(pairs(QUIET, SLOW, None), off, on);
        let cells = judged(&blocks, &[], Resource::Pids, true);
        assert_eq!(cells[&Resource::Pids].verdict, Some(Verdict::Degraded), "{off} {on}");
    }
}

/// CPU capacity halves, of which the wait for a CPU explains all or nothing.
fn halved(waited: bool) -> Vec<Block> {
    let mut blocks = pairs(QUIET, QUIET, Some((1000, 500)));
    let of_cpu = |sample: &&mut ProbeSample| sample.probe == "cpu/work";
    for block in &mut blocks {
        let waits = waited && block.state == BlockState::On;
        for sample in block.probes.iter_mut().filter(of_cpu) {
            let delay = if waits { 125_000_000 } else { 0 };
            (sample.run_delay_ns, sample.own_run_delay_ns) = (Some(delay), Some(delay));
        }
    }
    blocks
}

#[test]
fn who_waits_for_a_cpu_that_the_attacker_may_not_use_waits_for_others() {
    let verdict = |waited, apart| {
        let tolerances = Tolerances(BTreeMap::new());
        let rules = CellRules { apart, ..rules(Resource::Cpu, &tolerances) };
        let cells = judge_cells(&halved(waited), &rules);
        cells.iter().find(|cell| cell.resource == Resource::Cpu).unwrap().verdict
    };
    assert_eq!(verdict(true, Some(0.0)), Some(Verdict::Inconclusive));
    assert_eq!(verdict(true, None), Some(Verdict::Degraded), "they share a CPU");
    assert_eq!(verdict(true, Some(0.5)), Some(Verdict::Degraded), "the kernel worked for it");
    assert_eq!(verdict(false, Some(0.0)), Some(Verdict::Degraded), "it did not wait");
}

#[test]
fn nothing_excuses_a_sham() {
    let tolerances = Tolerances(BTreeMap::new());
    let rules = CellRules { is_sham: true, ..rules(Resource::Pids, &tolerances) };
    let cells = judge_cells(&waiting(pairs(QUIET, SLOW, None), 0, 30), &rules);
    assert_eq!(cells[0].verdict, Some(Verdict::Degraded));
}

#[test]
fn a_quiet_neighbour_needs_no_excuse() {
    let blocks = pairs(QUIET, QUIET, Some((1000, 500)));
    let cells = judged(&blocks, &[], Resource::Cpu, true);
    assert_eq!(
        (cells[&Resource::Pids].verdict, cells[&Resource::Pids].via),
        (Some(Verdict::Contained), None)
    );
}

#[test]
fn the_wait_for_a_cpu_is_taken_off() {
    let blocks = pairs(QUIET, SLOW, Some((1000, 500)));
    let net = judged(&blocks, &[], Resource::Cpu, true)[&Resource::Pids].net.unwrap();
    // 300 against 290 microseconds, where 900 stand against 300 gross.
    assert!((net.p50.unwrap().median - 10.0 / 290.0).abs() < 1e-6, "{net:?}");
    assert!((net.mean.unwrap().median - 10.0 / 290.0).abs() < 1e-6, "{net:?}");
}
