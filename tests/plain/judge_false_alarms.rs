//! How often the judge is wrong on this kind of machine: blocks of real runs in which nothing happened, resampled into many
//! reports. `docs/statistics.md` quotes the figures; they are printed by
//! `cargo test --release --test plain judge_false_alarms -- --nocapture`.
//!
//! The blocks are in `tests/fixtures/quiet-blocks.csv`. To use those of another machine, record runs of
//! `tests/scenarios/quiet-apart.yaml` and `quiet-together.yaml` as JSON into one directory, and write the file anew:
//! `QUIET_RECORDS=DIRECTORY cargo test --release --test plain judge_false_alarms -- --ignored`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, thread};

use adaptive::Pairs;
use contain_test::analyze::{CellRules, FirstPairs, histogram_quantile};
use contain_test::record::{Block, BlockMode, BlockState, Cell, Interval, ProbeSample, Verdict};
use contain_test::report::from_json;
use contain_test::scenario::{Resource, Tolerances, Trials};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::adaptive;

/// Cases of one report, about as many as the shipped scenarios have.
const CASES: u32 = 16;
/// Reports that are made in which nothing happens.
const REPORTS: u64 = 1000;
/// Cases that are made for each injected slowdown.
const SLOWED: usize = 1000;
const PROBES: [&str; 2] = ["cpu/work", "pids/fork"];
const APART: &str = "apart";
const TOGETHER: &str = "together";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/quiet-blocks.csv");
const HEAD: &str =
    "placement,run,case,mode,pair,state,probe,attempts,done,late,elapsed_us,latency_sum_ns,p50_ns";

/// The pairs of one case that was really measured.
#[derive(Default)]
struct Recording {
    latency: BTreeMap<u32, Vec<Block>>,
    capacity: BTreeMap<(String, u32), Vec<Block>>,
}

fn block(pair: u32, state: BlockState, mode: BlockMode) -> Block {
    Block {
        pair,
        state,
        mode,
        start_ms: 0.0,
        end_ms: 250.0,
        attacker_cpu_seconds: None,
        probes: Vec::new(),
    }
}

/// All recordings, by placement.
fn recordings() -> BTreeMap<&'static str, Vec<Recording>> {
    let text = fs::read_to_string(FILE).expect(FILE);
    let mut found: BTreeMap<(&'static str, String), Recording> = BTreeMap::new();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some(HEAD));
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |index: usize| fields[index].parse::<u64>().expect(line);
        let placement = if fields[0] == "apart" { APART } else { TOGETHER };
        let mode = if fields[3] == "latency" { BlockMode::Latency } else { BlockMode::Capacity };
        let state = if fields[5] == "on" { BlockState::On } else { BlockState::Off };
        let pair = u32::try_from(number(4)).expect(line);
        let (attempts, done, late) = (number(7), number(8), number(9));
        let late = [("ETIME".to_owned(), late)].into_iter().filter(|it| it.1 > 0).collect();
        let probe = fields[6].to_owned();
        let sample = ProbeSample {
            probe: probe.clone(),
            attempts,
            done,
            failures: late,
            elapsed_seconds: number(10) as f64 / 1e6,
            latency_sum_ns: number(11),
            // The judge reads the mean and the median of a block only.
            latency_ns: if done > 0 { vec![(number(12), done)] } else { Vec::new() },
            run_delay_ns: None,
            own_run_delay_ns: None,
            net_latency_ns: Vec::new(),
            missing: false,
        };
        let recording =
            found.entry((placement, format!("{}/{}", fields[1], fields[2]))).or_default();
        let blocks = match mode {
            BlockMode::Latency => recording.latency.entry(pair).or_default(),
            BlockMode::Capacity => recording.capacity.entry((probe, pair)).or_default(),
        };
        match blocks.iter_mut().find(|block| block.state == state) {
            Some(block) => block.probes.push(sample),
            None => {
                let mut block = block(pair, state, mode);
                block.probes.push(sample);
                blocks.push(block);
            }
        }
    }
    let mut all: BTreeMap<&'static str, Vec<Recording>> = BTreeMap::new();
    for ((placement, _), recording) in found {
        all.entry(placement).or_default().push(recording);
    }
    all
}

/// Pairs drawn from one recording, with a slowdown of one probe put into the on-blocks.
struct Draw<'a> {
    from: &'a Recording,
    rng: StdRng,
    /// The probe, and how many times as long it takes under attack.
    slowed: Option<(&'a str, f64)>,
}

impl Pairs for Draw<'_> {
    fn pair(&mut self, mode: BlockMode, probe: Option<&str>, number: u32) -> [Block; 2] {
        let pool: Vec<&Vec<Block>> = match (mode, probe) {
            (BlockMode::Capacity, Some(probe)) => {
                let of_probe = |it: &(&(String, u32), _)| it.0.0 == probe;
                self.from.capacity.iter().filter(of_probe).map(|it| it.1).collect()
            }
            _ => self.from.latency.values().collect(),
        };
        let drawn = pool[self.rng.random_range(0..pool.len())];
        let [one, other] = [drawn[0].clone(), drawn[1].clone()];
        // Nothing happened in either, so either may stand for the attack: then no drift of a recording is taken for an effect.
        let (mut off, mut on) = if self.rng.random() { (one, other) } else { (other, one) };
        (off.state, on.state) = (BlockState::Off, BlockState::On);
        (off.pair, on.pair) = (number, number);
        if let Some((probe, times)) = self.slowed {
            for sample in on.probes.iter_mut().filter(|sample| sample.probe == probe) {
                slow(sample, mode, times);
            }
        }
        [off, on]
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "times and counts of one block"
)]
fn slow(sample: &mut ProbeSample, mode: BlockMode, times: f64) {
    match mode {
        BlockMode::Latency => {
            sample.latency_sum_ns = (sample.latency_sum_ns as f64 * times) as u64;
            for (latency, _) in &mut sample.latency_ns {
                *latency = (*latency as f64 * times) as u64;
            }
        }
        BlockMode::Capacity => sample.done = (sample.done as f64 / times).round() as u64,
    }
}

/// One case: measured until it is decided, and judged on both probes.
fn cells(
    all: &BTreeMap<&'static str, Vec<Recording>>,
    placement: &str,
    slowed: Option<(&str, f64)>,
    seed: u64,
) -> Vec<Cell> {
    let mut rng = StdRng::seed_from_u64(seed);
    let pool = &all[placement];
    let from = &pool[rng.random_range(0..pool.len())];
    let measured = |probe: &str| from.capacity.keys().any(|key| key.0 == probe);
    let tolerances = Tolerances::default();
    // A slower cpu alone: beside it the judge would lay nothing at the door of the forks.
    let probes: Vec<&str> = PROBES
        .into_iter()
        .filter(|&probe| slowed.is_none_or(|it| it.0 == probe))
        .filter(|probe| measured(probe))
        .collect();
    let rules = CellRules {
        own: if probes.len() == 1 && probes[0] == "cpu/work" {
            Resource::Cpu
        } else {
            Resource::Pids
        },
        stands_for: &[],
        named: if slowed.is_none() && measured("cpu/work") {
            &[(Resource::Cpu, None)]
        } else {
            &[]
        },
        tolerances: &tolerances,
        placebo: &[],
        first: FirstPairs::of(&Trials::default()),
        apart: None,
        is_sham: false,
        seed,
    };
    adaptive::measured(&mut Draw { from, rng, slowed }, &probes, &rules)
}

/// Runs `work` for 0..count on two threads.
fn both<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let half = |first: u64| {
            let work = &work;
            scope.spawn(move || (first..count).step_by(2).map(work).collect::<Vec<T>>())
        };
        let [one, other] = [half(0), half(1)];
        let mut all = one.join().expect("no panic");
        all.extend(other.join().expect("no panic"));
        all
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are quoted in the documentation")]
fn hardly_a_report_in_a_hundred_alarms_when_nothing_happens() {
    let all = recordings();
    for (placement, recordings) in &all {
        println!("{placement}: {} recordings", recordings.len());
        assert!(recordings.len() >= 12, "too few recordings to say anything");
    }
    // Per report: alarms, undecided cells, cells.
    let reports = both(REPORTS, |report| {
        let (mut alarms, mut undecided, mut count) = (0, 0, 0);
        for case in 0..CASES {
            let placement = if case % 2 == 0 { APART } else { TOGETHER };
            for cell in cells(&all, placement, None, report * u64::from(CASES) + u64::from(case)) {
                let Some(verdict) = cell.verdict else { continue };
                alarms += u32::from(verdict.leaks());
                undecided += u32::from(verdict == Verdict::Inconclusive);
                count += 1;
            }
        }
        (alarms, undecided, count)
    });
    let false_alarms = reports.iter().filter(|report| report.0 > 0).count();
    let undecided: u32 = reports.iter().map(|report| report.1).sum();
    let count: u32 = reports.iter().map(|report| report.2).sum();
    println!(
        "nothing happens: {false_alarms} of {REPORTS} reports of {CASES} cases raise an alarm; {undecided} of {count} cells are inconclusive"
    );
    assert!(false_alarms as u64 * 100 <= REPORTS, "{false_alarms} of {REPORTS}");
    assert!(undecided * 20 <= count, "{undecided} of {count}");
}

/// What a slowdown comes to over many cases.
#[derive(Default, Debug)]
struct Found {
    leaks: usize,
    contained: usize,
    inconclusive: usize,
    latency_covered: usize,
    rate_covered: usize,
    /// Capacity within 5 percentage points of the truth.
    near: usize,
}

#[expect(clippy::print_stdout, reason = "the figures are quoted in the documentation")]
fn found(probe: &str, times: f64) -> Found {
    let all = recordings();
    let mut found = Found::default();
    let holds = |interval: Interval, truth: f64| {
        usize::from(interval.low <= truth + 1e-3 && truth - 1e-3 <= interval.high)
    };
    let cases = both(2 * SLOWED as u64, |seed| {
        let placement = if seed % 2 == 0 { APART } else { TOGETHER };
        let cells = cells(&all, placement, Some((probe, times)), seed);
        // Not every recording has rates of both.
        cells.into_iter().find(|cell| cell.probe == probe && cell.isol.is_some())
    });
    let cases: Vec<Cell> = cases.into_iter().flatten().take(SLOWED).collect();
    assert_eq!(cases.len(), SLOWED);
    for cell in cases {
        match cell.verdict {
            Some(Verdict::Contained) => found.contained += 1,
            Some(Verdict::Inconclusive) => found.inconclusive += 1,
            Some(verdict) if verdict.leaks() => found.leaks += 1,
            other => panic!("no such verdict here: {other:?}"),
        }
        let (rate, latency) = (cell.isol.expect("a rate"), cell.lat_imp.expect("latency"));
        found.rate_covered += holds(rate, 1.0 / times);
        found.latency_covered += holds(latency.p50, times - 1.0);
        found.near += usize::from((rate.median - 1.0 / times).abs() <= 0.05);
    }
    println!("{probe} ×{times:.3}: {found:?} of {SLOWED}");
    found
}

#[test]
fn twice_the_tolerance_is_found_and_half_of_it_is_not_called_a_leak() {
    for (probe, times) in [("pids/fork", 1.5), ("cpu/work", 1.0 / 0.8)] {
        let got = found(probe, times);
        assert!(got.leaks * 20 >= SLOWED * 19, "{probe}: {got:?}");
        assert!(got.rate_covered * 100 >= SLOWED * 95, "{probe}: {got:?}");
        assert!(probe == "cpu/work" || got.latency_covered * 100 >= SLOWED * 95, "{got:?}");
        assert!(probe != "cpu/work" || got.near * 100 >= SLOWED * 99, "{got:?}");
    }
    for (probe, times) in [("pids/fork", 1.125), ("cpu/work", 1.0 / 0.95)] {
        let got = found(probe, times);
        assert_eq!(got.leaks, 0, "{probe}: {got:?}");
        assert!(got.rate_covered * 100 >= SLOWED * 95, "{probe}: {got:?}");
        assert!(probe == "cpu/work" || got.latency_covered * 100 >= SLOWED * 95, "{got:?}");
    }
}

/// Writes the file of blocks anew from the records in the directory `QUIET_RECORDS`, which hold nothing but quiet cases.
#[test]
#[ignore = "needs records of the machine that the figures are to be of"]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds of a block"
)]
fn write_the_file_anew() {
    let directory = env::var("QUIET_RECORDS").expect("QUIET_RECORDS names a directory");
    let mut text = String::from(
        "# Blocks of real runs in which nothing happened, see tests/judge_false_alarms.rs.\n",
    );
    let mut paths: Vec<_> = fs::read_dir(Path::new(&directory))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    writeln!(text, "{HEAD}").unwrap();
    for (run, path) in paths.iter().enumerate() {
        let report = from_json(&fs::read_to_string(path).expect("a file")).expect("a record");
        for case in report.scenarios.iter().flat_map(|scenario| &scenario.cases) {
            for block in &case.blocks {
                for sample in block.probes.iter().filter(|it| PROBES.contains(&it.probe.as_str())) {
                    let late: u64 = sample.failures.values().sum();
                    let lower = |text: String| text.to_lowercase();
                    writeln!(
                        text,
                        "{},{run},{},{},{},{},{},{},{},{late},{},{},{}",
                        lower(format!("{:?}", case.placement)),
                        case.config,
                        lower(format!("{:?}", block.mode)),
                        block.pair,
                        lower(format!("{:?}", block.state)),
                        sample.probe,
                        sample.attempts,
                        sample.done,
                        (sample.elapsed_seconds * 1e6).round() as u64,
                        sample.latency_sum_ns,
                        histogram_quantile(&sample.latency_ns, 0.5).unwrap_or(0),
                    )
                    .unwrap();
                }
            }
        }
    }
    fs::write(FILE, text).expect(FILE);
}
