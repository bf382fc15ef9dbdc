//! How often the judge is wrong: synthetic blocks with log-normal noise, drifting levels and rare stalls, judged many
//! times. `docs/statistics.md` quotes the figures; they are printed by
//! `cargo test --test plain judge_power -- --nocapture`.

use std::collections::BTreeMap;

use adaptive::Pairs;
use contain_test::analyze::{CellRules, FirstPairs};
use contain_test::record::{Block, BlockMode, BlockState, Cell, ProbeSample, Verdict};
use contain_test::scenario::{Resource, Tolerances, Trials};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::adaptive;

const RUNS: u64 = 100;
const OPERATIONS: u64 = 50;
const BLOCK_SECONDS: f64 = 0.25;

/// How noisy the synthetic machine is.
#[derive(Clone, Copy)]
struct Noise {
    /// Standard deviation of the logarithm of one operation's time.
    operation: f64,
    /// The same for the level of a whole block, for latency probes and the fork rate.
    block: f64,
    /// The same for the cpu rate.
    cpu: f64,
    /// Stalls of 5 to 40 ms, expected in one block.
    stalls: f64,
}

const CALM: Noise = Noise { operation: 0.3, block: 0.04, cpu: 0.02, stalls: 0.05 };
const NOISY: Noise = Noise { operation: 0.4, block: 0.07, cpu: 0.025, stalls: 0.25 };
const AWFUL: Noise = Noise { operation: 0.5, block: 0.12, cpu: 0.05, stalls: 0.8 };

/// What the attack does to the victim.
#[derive(Clone, Copy)]
struct Effect {
    /// Every operation takes this many times as long.
    slower: f64,
    /// This share of the operations takes 20 times as long: lost time that no median shows.
    lost: f64,
    /// This part of the rate is left.
    rate: f64,
}

const SHAM: Effect = Effect { slower: 1.0, lost: 0.0, rate: 1.0 };

struct Machine {
    rng: StdRng,
    noise: Noise,
}

impl Machine {
    fn normal(&mut self) -> f64 {
        let (one, other): (f64, f64) = (self.rng.random(), self.rng.random());
        (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    fn level(&mut self, deviation: f64) -> f64 {
        (self.normal() * deviation).exp()
    }

    /// Lengths of the stalls in one block, in nanoseconds.
    fn stalls(&mut self) -> Vec<f64> {
        let mut stalls = Vec::new();
        // Ten chances in a block: close enough to a Poisson process, and bounded.
        for _ in 0..10 {
            if self.rng.random::<f64>() < self.noise.stalls / 10.0 {
                stalls.push(self.rng.random_range(5e6..40e6));
            }
        }
        stalls
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn latency(&mut self, probe: &str, base_ns: f64, effect: Effect) -> ProbeSample {
        let level = self.level(self.noise.block);
        let mut latencies: Vec<f64> = (0..OPERATIONS)
            .map(|_| {
                let lost = if self.rng.random::<f64>() < effect.lost { 20.0 } else { 1.0 };
                base_ns * level * self.level(self.noise.operation) * effect.slower * lost
            })
            .collect();
        // One operation every 5 ms: those that fall into a stall wait for its end.
        for stall in self.stalls() {
            let mut left = stall;
            let mut place = self.rng.random_range(0..latencies.len());
            while left > 0.0 && place < latencies.len() {
                latencies[place] += left;
                left -= 5e6;
                place += 1;
            }
        }
        let latency_ns: Vec<(u64, u64)> = latencies.iter().map(|&ns| (ns as u64, 1)).collect();
        sample(probe, OPERATIONS, latency_ns)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn capacity(
        &mut self,
        probe: &str,
        deviation: f64,
        per_second: f64,
        effect: Effect,
    ) -> ProbeSample {
        let stalled: f64 = self.stalls().iter().sum::<f64>() / 1e9;
        let useful = (BLOCK_SECONDS - stalled).max(0.0);
        let done = per_second * useful * self.level(deviation) * effect.rate;
        sample(probe, done as u64, Vec::new())
    }
}

/// One probe on a machine, and what the attack does to it.
struct Slowed {
    machine: Machine,
    effect: Effect,
    probe: &'static str,
}

impl Pairs for Slowed {
    fn pair(&mut self, mode: BlockMode, _: Option<&str>, pair: u32) -> [Block; 2] {
        [BlockState::Off, BlockState::On].map(|state| {
            let effect = if state == BlockState::On { self.effect } else { SHAM };
            let (machine, probe) = (&mut self.machine, self.probe);
            let sample = match (mode, probe) {
                (BlockMode::Latency, _) => machine.latency(probe, 300e3, effect),
                (_, "cpu/work") => machine.capacity(probe, machine.noise.cpu, 1000.0, effect),
                _ => machine.capacity(probe, machine.noise.block, 3000.0, effect),
            };
            Block {
                pair,
                state,
                mode,
                start_ms: 0.0,
                end_ms: 250.0,
                attacker_cpu_seconds: None,
                probes: vec![sample],
            }
        })
    }
}

fn sample(probe: &str, done: u64, latency_ns: Vec<(u64, u64)>) -> ProbeSample {
    ProbeSample {
        probe: probe.into(),
        attempts: done,
        done,
        failures: BTreeMap::new(),
        elapsed_seconds: BLOCK_SECONDS,
        latency_sum_ns: latency_ns.iter().map(|&(ns, _)| ns).sum(),
        latency_ns,
        run_delay_ns: None,
        own_run_delay_ns: None,
        net_latency_ns: Vec::new(),
        missing: false,
    }
}

/// Verdicts of one cell over many runs.
#[derive(Default)]
struct Score {
    contained: u64,
    leaks: u64,
    inconclusive: u64,
    /// Runs in which the whole interval of the mean lay within the tolerance.
    mean_within: u64,
}

impl Score {
    fn add(&mut self, cell: &Cell) {
        match cell.verdict {
            Some(Verdict::Contained) => self.contained += 1,
            Some(Verdict::Inconclusive) => self.inconclusive += 1,
            Some(verdict) if verdict.leaks() => self.leaks += 1,
            other => panic!("no such verdict here: {other:?}"),
        }
        if cell.lat_imp.is_some_and(|latency| latency.mean.high <= cell.tolerance) {
            self.mean_within += 1;
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are quoted in the documentation")]
fn simulate(title: &str, noise: Noise, effect: Effect) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for seed in 0..RUNS {
        // Each by itself: beside a slow cpu, the judge lays nothing at the door of pids.
        for (own, probe) in [(Resource::Cpu, "cpu/work"), (Resource::Pids, "pids/fork")] {
            let tolerances = Tolerances::default();
            let rules = CellRules {
                own,
                stands_for: &[],
                named: &[],
                tolerances: &tolerances,
                placebo: &[],
                first: FirstPairs::of(&Trials::default()),
                apart: None,
                is_sham: false,
                seed,
            };
            let machine = Machine { rng: StdRng::seed_from_u64(seed), noise };
            for cell in adaptive::measured(&mut Slowed { machine, effect, probe }, &[probe], &rules)
            {
                scores.entry(cell.probe.clone()).or_default().add(&cell);
            }
        }
    }
    for (probe, score) in &scores {
        println!(
            "{title:34} {probe:10} contained {:3}  leaks {:3}  inconclusive {:3}  of {RUNS} (mean within: {})",
            score.contained, score.leaks, score.inconclusive, score.mean_within
        );
    }
    scores
}

#[test]
fn a_sham_does_not_leak_and_is_seldom_inconclusive() {
    for (title, noise) in [("sham, calm", CALM), ("sham, noisy", NOISY), ("sham, awful", AWFUL)] {
        let scores = simulate(title, noise, SHAM);
        for (probe, score) in &scores {
            let allowed = if title == "sham, awful" { RUNS / 50 } else { 0 };
            assert!(score.leaks <= allowed, "{title}: {probe}: {}", score.leaks);
        }
        if title != "sham, awful" {
            let unclear: u64 = scores.values().map(|score| score.inconclusive).sum();
            assert!(unclear * 100 <= RUNS * 2 * 15, "{title}: {unclear}");
        }
    }
}

#[test]
fn a_real_slowdown_is_found() {
    let double = Effect { slower: 2.0, lost: 0.0, rate: 0.5 };
    let latency_only = Effect { slower: 2.0, ..SHAM };
    for (title, noise) in [("×2, calm", CALM), ("×2, noisy", NOISY), ("×2, awful", AWFUL)] {
        for (probe, score) in simulate(title, noise, double) {
            let missed = if title == "×2, awful" { RUNS / 50 } else { 0 };
            assert!(score.leaks + missed >= RUNS, "{title}: {probe}: {}", score.leaks);
        }
    }
    let scores = simulate("latency ×2, rate kept, noisy", NOISY, latency_only);
    assert_eq!(scores["pids/fork"].leaks, RUNS);
}

#[test]
fn time_lost_in_few_operations_is_hardly_ever_called_contained() {
    let lost = Effect { lost: 0.1, ..SHAM };
    for (title, noise) in [("lost time, calm", CALM), ("lost time, noisy", NOISY)] {
        let scores = simulate(title, noise, lost);
        let score = &scores["pids/fork"];
        assert!(score.contained * 50 <= RUNS, "{title}: {}", score.contained);
        assert!(score.leaks * 10 >= RUNS * 7, "{title}: {}", score.leaks);
    }
}

#[test]
fn smaller_effects_are_found_less_often_but_seldom_acquitted() {
    let scores = simulate("×1.5, noisy", NOISY, Effect { slower: 1.5, lost: 0.0, rate: 0.67 });
    assert!(scores["pids/fork"].contained * 20 <= RUNS, "at most 5 % acquitted");
    assert!(scores["cpu/work"].leaks * 20 >= RUNS * 19);
    let scores = simulate("×1.25, noisy", NOISY, Effect { slower: 1.25, lost: 0.0, rate: 0.8 });
    assert!(scores["pids/fork"].contained * 20 <= RUNS * 2, "on the tolerance itself");
}
