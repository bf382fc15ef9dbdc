//! The rules for a cell, on blocks without noise.

use std::collections::BTreeMap;

use contain_test::analyze::{CellRules, FirstPairs, Wanted, judge_cells, wanted};
use contain_test::record::{Block, BlockMode, BlockState, Cell, ProbeSample, Verdict};
use contain_test::scenario::{Resource, Tolerances};

/// One probe through a case: what it does when quiet and under attack.
#[derive(Clone)]
struct Probe {
    name: &'static str,
    latency_ns: (u64, u64),
    rate: (u64, u64),
    failures_on: Vec<(&'static str, u64)>,
    latency_pairs: u32,
    capacity_pairs: u32,
}

fn probe(name: &'static str) -> Probe {
    Probe {
        name,
        latency_ns: (300_000, 300_000),
        rate: (1000, 1000),
        failures_on: Vec::new(),
        latency_pairs: 10,
        capacity_pairs: 6,
    }
}

fn blocks(probes: &[Probe]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for mode in [BlockMode::Latency, BlockMode::Capacity] {
        for pair in 0..10 {
            for state in [BlockState::Off, BlockState::On] {
                let here = probes.iter().filter(|probe| {
                    pair < if mode == BlockMode::Latency {
                        probe.latency_pairs
                    } else {
                        probe.capacity_pairs
                    }
                });
                let probes = here.map(|probe| sample(probe, mode, state)).collect();
                blocks.push(Block {
                    pair,
                    state,
                    mode,
                    start_ms: 0.0,
                    end_ms: 250.0,
                    attacker_cpu_seconds: None,
                    probes,
                });
            }
        }
    }
    blocks
}

fn sample(probe: &Probe, mode: BlockMode, state: BlockState) -> ProbeSample {
    let pick = |both: (u64, u64)| if state == BlockState::On { both.1 } else { both.0 };
    let attempts = if mode == BlockMode::Latency { 50 } else { pick(probe.rate) };
    let failures: BTreeMap<String, u64> = match (mode, state) {
        (BlockMode::Latency, BlockState::On) => {
            probe.failures_on.iter().map(|&(errno, count)| (errno.to_owned(), count)).collect()
        }
        _ => BTreeMap::new(),
    };
    let done = attempts - failures.values().sum::<u64>();
    let latency = pick(probe.latency_ns);
    ProbeSample {
        probe: probe.name.into(),
        attempts,
        done,
        failures,
        elapsed_seconds: 0.25,
        latency_sum_ns: latency * done,
        latency_ns: vec![(latency, done)],
        run_delay_ns: None,
        own_run_delay_ns: None,
        net_latency_ns: Vec::new(),
        missing: false,
    }
}

static DEFAULTS: Tolerances = Tolerances(BTreeMap::new());

/// All pairs are fresh, so what they show needs no confirmation.
const FRESH: FirstPairs = FirstPairs { latency: 0, capacity: 0 };

fn rules(own: Resource) -> CellRules<'static> {
    CellRules {
        own,
        stands_for: &[],
        named: &[],
        tolerances: &DEFAULTS,
        placebo: &[],
        first: FRESH,
        apart: None,
        is_sham: false,
        seed: 1,
    }
}

fn judge(probes: &[Probe], own: Resource) -> Vec<Cell> {
    judge_cells(&blocks(probes), &rules(own))
}

fn only(probe: Probe, own: Resource) -> Cell {
    judge(&[probe], own).remove(0)
}

#[test]
fn nothing_changed_is_contained() {
    let cell = only(probe("pids/fork"), Resource::Pids);
    assert_eq!(cell.verdict, Some(Verdict::Contained));
    assert_eq!((cell.latency_pairs, cell.capacity_pairs), (10, 6));
    assert_eq!((cell.attempts, cell.quiet.attempts), (6500, 6500));
    assert!(!cell.faster && cell.via.is_none());
}

#[test]
fn slower_or_less_is_degraded() {
    let slow = Probe { latency_ns: (300_000, 600_000), ..probe("pids/fork") };
    let cell = only(slow, Resource::Pids);
    assert_eq!(cell.verdict, Some(Verdict::Degraded));
    assert!((cell.lat_imp.unwrap().p50.median - 1.0).abs() < 1e-9);
    let less = Probe { rate: (1000, 500), ..probe("pids/fork") };
    assert_eq!(only(less, Resource::Pids).verdict, Some(Verdict::Degraded));
}

#[test]
fn a_few_microseconds_are_no_leak() {
    let short = Probe { latency_ns: (4_000, 8_000), ..probe("files/open") };
    assert_eq!(only(short, Resource::Files).verdict, Some(Verdict::Contained));
}

#[test]
fn without_enough_pairs_speed_decides_nothing_but_failures_do() {
    let few = Probe { latency_pairs: 3, capacity_pairs: 0, ..probe("pids/fork") };
    assert_eq!(only(few.clone(), Resource::Pids).verdict, Some(Verdict::Inconclusive));
    let slow = Probe { latency_ns: (300_000, 900_000), ..few.clone() };
    assert_eq!(only(slow, Resource::Pids).verdict, Some(Verdict::Inconclusive));
    let refused = Probe { failures_on: vec![("EAGAIN", 50)], ..few };
    let cell = only(refused, Resource::Pids);
    assert_eq!(cell.verdict, Some(Verdict::Denied));
    assert_eq!(cell.failures["EAGAIN"], 150);
    assert_eq!((cell.latency_pairs, cell.lat_imp), (0, None));
}

#[test]
fn latency_alone_can_convict_and_cannot_acquit() {
    let alone = Probe { capacity_pairs: 0, ..probe("pids/fork") };
    assert_eq!(only(alone.clone(), Resource::Pids).verdict, Some(Verdict::Inconclusive));
    let slow = Probe { latency_ns: (300_000, 900_000), ..alone };
    assert_eq!(only(slow, Resource::Pids).verdict, Some(Verdict::Degraded));
}

#[test]
fn cpu_is_judged_by_capacity_alone() {
    let late = Probe { latency_ns: (50_000, 500_000), ..probe("cpu/work") };
    assert_eq!(only(late.clone(), Resource::Cpu).verdict, Some(Verdict::Contained));
    let unmeasured = Probe { capacity_pairs: 0, ..late };
    assert_eq!(only(unmeasured, Resource::Cpu).verdict, None);
    let halved = Probe { rate: (1000, 880), ..probe("cpu/work") };
    assert_eq!(only(halved, Resource::Cpu).verdict, Some(Verdict::Degraded));
}

#[test]
fn how_late_a_thread_wakes_is_shown_and_decides_nothing() {
    let wakeup = Probe {
        latency_ns: (50_000, 5_000_000),
        failures_on: vec![("ETIME", 25)],
        capacity_pairs: 0,
        ..probe("cpu/wakeup")
    };
    let work = probe("cpu/work");
    let all = blocks(&[work, wakeup]);
    let cells = judge_cells(&all, &rules(Resource::Cpu));
    let cell = cells.iter().find(|cell| cell.probe == "cpu/wakeup").expect("a cell");
    assert_eq!((cell.verdict, cell.failures["ETIME"]), (None, 250));
    assert!(cell.lat_imp.is_some_and(|imp| imp.p50.median > 50.0), "{cell:?}");
    assert_eq!(wanted(&all, &rules(Resource::Cpu)), Wanted::default(), "no pairs are spent on it");
}

#[test]
fn others_are_judged_only_when_named_or_when_they_fail() {
    let slow = Probe { latency_ns: (300_000, 900_000), ..probe("memory/touch") };
    let all = blocks(&[slow.clone(), probe("pids/fork")]);
    let verdict = |named: &[(Resource, Option<String>)]| {
        judge_cells(&all, &CellRules { named, ..rules(Resource::Pids) })[0].verdict
    };
    assert_eq!(verdict(&[]), None);
    assert_eq!(verdict(&[(Resource::Memory, None)]), Some(Verdict::Degraded));
    assert_eq!(verdict(&[(Resource::Memory, Some("touch".into()))]), Some(Verdict::Degraded));
    assert_eq!(
        verdict(&[(Resource::Memory, Some("memory/touch".into()))]),
        Some(Verdict::Degraded)
    );
    assert_eq!(verdict(&[(Resource::Memory, Some("other".into()))]), None);
    let failing = Probe { failures_on: vec![("ENOMEM", 2)], ..slow };
    assert_eq!(judge(&[failing], Resource::Pids)[0].verdict, Some(Verdict::Denied));
}

#[test]
fn a_starved_victim_speaks_of_the_cpu_and_of_nothing_else() {
    let cpu = Probe { rate: (1000, 500), ..probe("cpu/work") };
    let late = Probe {
        latency_ns: (300_000, 900_000),
        rate: (1000, 500),
        failures_on: vec![("ETIME", 5)],
        ..probe("pids/fork")
    };
    let cells = judge_cells(&blocks(&[cpu.clone(), late.clone()]), &rules(Resource::Cpu));
    assert_eq!((cells[0].verdict, cells[0].via), (Some(Verdict::Degraded), None));
    assert_eq!((cells[1].verdict, cells[1].via), (None, Some(Resource::Cpu)));
    let cells = judge_cells(&blocks(&[cpu.clone(), late.clone()]), &rules(Resource::Pids));
    assert_eq!(cells[1].verdict, Some(Verdict::Inconclusive));
    let refused = Probe { failures_on: vec![("EAGAIN", 5)], ..late };
    let cells = judge_cells(&blocks(&[cpu, refused]), &rules(Resource::Pids));
    assert_eq!((cells[1].verdict, cells[1].via), (Some(Verdict::Denied), None));
}

#[test]
fn faster_is_said_and_not_counted() {
    let fast = Probe { latency_ns: (300_000, 100_000), rate: (1000, 2000), ..probe("pids/fork") };
    let cell = only(fast, Resource::Pids);
    assert!(cell.faster);
    assert_eq!(cell.verdict, Some(Verdict::Contained));
    assert!((cell.isol.unwrap().high - 1.0).abs() < 1e-9, "clipped");
    assert!(cell.lat_imp.unwrap().mean.median.abs() < 1e-9, "clipped");
}

#[test]
fn silent_windows_count_as_nothing_done() {
    let mut all = blocks(&[probe("cpu/work")]);
    let on =
        all.iter_mut().filter(|it| it.mode == BlockMode::Capacity && it.state == BlockState::On);
    for block in on.take(6) {
        block.probes[0].missing = true;
        (block.probes[0].done, block.probes[0].attempts) = (0, 0);
    }
    let cell = judge_cells(&all, &rules(Resource::Cpu)).remove(0);
    assert_eq!((cell.missing, cell.capacity_pairs), (6, 6));
    assert!(cell.isol.unwrap().high.abs() < 1e-9);
    assert_eq!(cell.verdict, Some(Verdict::Denied), "it fell silent under attack only");
}

#[test]
fn odd_input_gives_no_panic_and_no_infinity() {
    let mut all = blocks(&[probe("pids/fork"), probe("nonsense"), probe("cpu/work")]);
    for (index, block) in all.iter_mut().enumerate() {
        for sample in &mut block.probes {
            sample.elapsed_seconds = [0.0, f64::NAN, f64::INFINITY, -1.0][index % 4];
            sample.latency_sum_ns = u64::MAX;
            sample.latency_ns = vec![(0, u64::MAX), (u64::MAX, u64::MAX)];
            sample.failures = BTreeMap::from([("EAGAIN".into(), u64::MAX)]);
        }
    }
    for cell in judge_cells(&all, &rules(Resource::Pids)) {
        assert_ne!(cell.verdict, Some(Verdict::Contained));
        assert!(cell.isol.is_none_or(|isol| isol.median.is_finite()));
    }
    assert!(judge_cells(&[], &rules(Resource::Pids)).is_empty());
}

#[test]
fn the_tolerances_of_the_scenario_come_first() {
    let all = blocks(&[
        Probe { rate: (1000, 700), ..probe("cpu/work") },
        Probe { latency_ns: (300_000, 600_000), rate: (1000, 500), ..probe("pids/fork") },
    ]);
    let with = |list: &[(Resource, Option<&str>, u16)]| {
        let entry = |&(resource, probe, percent): &(Resource, Option<&str>, u16)| {
            ((resource, probe.map(str::to_owned)), percent)
        };
        let tolerances = Tolerances(list.iter().map(entry).collect());
        let named = [(Resource::Cpu, None)];
        let rules = CellRules { named: &named, tolerances: &tolerances, ..rules(Resource::Pids) };
        let cells = judge_cells(&all, &rules);
        [0, 1].map(|index: usize| (cells[index].verdict, cells[index].tolerance))
    };
    let degraded = |tolerance| (Some(Verdict::Degraded), tolerance);
    let contained = |tolerance| (Some(Verdict::Contained), tolerance);
    // The starved CPU explains the slow forks, whatever is tolerated of it.
    let explained = |tolerance| (Some(Verdict::Inconclusive), tolerance);
    assert_eq!(with(&[]), [degraded(0.10), explained(0.25)]);
    assert_eq!(with(&[(Resource::Cpu, None, 40)]), [contained(0.40), explained(0.25)]);
    assert_eq!(with(&[(Resource::Cpu, Some("work"), 40)]), [contained(0.40), explained(0.25)]);
    assert_eq!(with(&[(Resource::Cpu, Some("other"), 40)]), [degraded(0.10), explained(0.25)]);
    assert_eq!(with(&[(Resource::Pids, None, 1000)]), [degraded(0.10), contained(10.0)]);
}

#[test]
fn a_stricter_tolerance_finds_more() {
    let slow = blocks(&[Probe { latency_ns: (900_000, 1_000_000), ..probe("pids/fork") }]);
    let with = |percent| {
        let tolerances = Tolerances(BTreeMap::from([((Resource::Pids, None), percent)]));
        judge_cells(&slow, &CellRules { tolerances: &tolerances, ..rules(Resource::Pids) })[0]
            .verdict
    };
    assert_eq!(with(25), Some(Verdict::Contained));
    assert_eq!(with(5), Some(Verdict::Degraded));
}

#[test]
fn a_slowdown_is_a_suspicion_until_fresh_pairs_confirm_it() {
    let slow = Probe { latency_ns: (300_000, 900_000), ..probe("pids/fork") };
    let less = Probe { rate: (1000, 500), ..probe("pids/fork") };
    for (probe, latency, capacity) in [(&slow, true, false), (&less, false, true)] {
        let all = blocks(std::slice::from_ref(probe));
        let with = |latency, capacity| {
            let rules =
                CellRules { first: FirstPairs { latency, capacity }, ..rules(Resource::Pids) };
            (judge_cells(&all, &rules)[0].verdict, wanted(&all, &rules))
        };
        let more = Wanted {
            latency,
            capacity: if capacity { vec!["pids/fork".into()] } else { Vec::new() },
            besides_cpu: true,
            waits_for_cpu: false,
        };
        assert_eq!(with(10, 6), (Some(Verdict::Inconclusive), more.clone()));
        assert_eq!(with(7, 3), (Some(Verdict::Inconclusive), more), "three confirm nothing");
        assert_eq!(with(6, 2), (Some(Verdict::Degraded), Wanted::default()));
    }
    assert!(wanted(&blocks(&[probe("pids/fork")]), &rules(Resource::Pids)).is_nothing());
}

#[test]
fn what_fresh_pairs_do_not_confirm_is_no_leak() {
    let all = blocks(&[Probe { rate: (1000, 500), capacity_pairs: 10, ..probe("pids/fork") }]);
    let mut refuted = all;
    for block in refuted.iter_mut().filter(|it| it.mode == BlockMode::Capacity && it.pair >= 6) {
        for sample in &mut block.probes {
            sample.done = 1000;
        }
    }
    let rules =
        CellRules { first: FirstPairs { latency: 10, capacity: 6 }, ..rules(Resource::Pids) };
    assert_eq!(judge_cells(&refuted, &rules)[0].verdict, Some(Verdict::Inconclusive));
    assert_eq!(wanted(&refuted, &rules).capacity, ["pids/fork"], "and still undecided");
}

#[test]
fn missed_deadlines_count_when_fresh_pairs_miss_them_too() {
    let late = Probe { failures_on: vec![("ETIME", 5)], ..probe("pids/fork") };
    for own in [Resource::Pids, Resource::Memory] {
        let with = |latency| {
            let rules = CellRules { first: FirstPairs { latency, capacity: 6 }, ..rules(own) };
            let all = blocks(std::slice::from_ref(&late));
            (judge_cells(&all, &rules)[0].verdict, wanted(&all, &rules).latency)
        };
        let before = (own == Resource::Pids).then_some(Verdict::Inconclusive);
        assert_eq!(with(10), (before, true), "{own}: asked for, whoever's it is");
        assert_eq!(with(6), (Some(Verdict::Denied), false), "{own}");
    }
}
