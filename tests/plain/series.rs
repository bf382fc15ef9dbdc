//! Figures of a series of real runs: how often each verdict came, how often the interval holds an injected truth, and how near the
//! victim's loss is to the CPU time that the attacker received. `tests/series.sh` makes the records:
//!
//! `SERIES=DIRECTORY cargo test --release --test plain series -- --ignored --nocapture`; for a series with
//! `CONTAIN_TEST_INJECT_SLOWDOWN=PROBE=FACTOR` add the same variable.

use std::collections::BTreeMap;
use std::{env, fs};

use contain_test::analyze::{Source, compare, judge_cells, resource_of_probe, rules_of};
use contain_test::record::{Case, Cell, Change, Interval, Report, Tool};
use contain_test::report::from_json;
use contain_test::scenario::{Control, Placement, Resource, Tolerances};

fn records() -> Vec<Report> {
    let directory = env::var("SERIES").expect("SERIES names the directory of the records");
    let mut paths: Vec<_> = fs::read_dir(&directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| from_json(&fs::read_to_string(path).expect("a file")).expect("a record"))
        .collect()
}

fn holds(interval: Interval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

/// Counts, by what was counted.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn add(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }
}

fn cell_words(name: &str, cell: &Cell) -> String {
    let verdict = cell.verdict.map_or("not judged", |verdict| verdict.name());
    let via = cell.via.map_or_else(String::new, |via| format!(" via {via}"));
    format!("{name} {}: {verdict}{via}", cell.probe)
}

/// The verdict of a cell by its own blocks: where the sham is slowed too, no verdict of another case stands beside it.
fn alone(case: &Case, seed: u64, probe: &str) -> String {
    let resource = resource_of_probe(probe).expect("a probe");
    let (named, tolerances) = ([(resource, None)], Tolerances::default());
    let cells = judge_cells(&case.blocks, &rules_of(case, &named, &tolerances, seed));
    let verdict = cells.iter().find(|cell| cell.probe == probe).and_then(|cell| cell.verdict);
    verdict.map_or("nothing", |verdict| verdict.name()).to_owned()
}

/// The loss of the cpu probe against what the attacker received, in percentage points.
fn loss_and_received(case: &Case) -> Option<f64> {
    let is_shared = case.placement == Placement::Together && case.control != Some(Control::Sham);
    let cpu = case.cells.iter().find(|cell| cell.probe == "cpu/work")?;
    let lost = 1.0 - cpu.isol.filter(|_| is_shared)?.median;
    Some((lost - case.attack_cpu?).abs() * 100.0)
}

#[test]
#[ignore = "needs the records of a series"]
#[expect(clippy::print_stdout, reason = "the figures are quoted in the documentation")]
fn figures() {
    let records = records();
    let injected = env::var("CONTAIN_TEST_INJECT_SLOWDOWN").ok().and_then(|wish| {
        let (probe, factor) = wish.split_once('=')?;
        Some((probe.to_owned(), factor.parse::<f64>().ok()?))
    });
    let (mut verdicts, mut cells, mut truth) =
        (Tally::default(), Tally::default(), Tally::default());
    let mut apart: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for record in &records {
        for scenario in &record.scenarios {
            for case in &scenario.cases {
                let name = format!("{} / {}", scenario.name, case.config);
                verdicts.add(format!("{name}: {}", case.verdict));
                for cell in case.cells.iter().filter(|it| it.verdict.is_some() || it.via.is_some())
                {
                    cells.add(cell_words(&name, cell));
                }
                if let Some(points) = loss_and_received(case) {
                    apart.entry(name.clone()).or_default().push(points);
                }
                let Some((probe, factor)) = &injected else { continue };
                let Some(cell) = case.cells.iter().find(|cell| cell.probe == *probe) else {
                    continue;
                };
                let left = 1.0 / (1.0 + factor);
                let found = alone(case, record.seed, probe);
                truth.add(format!("{name}: {probe} judged by its own blocks: {found}"));
                if let Some(isol) = cell.isol {
                    truth.add(format!("{name}: rate holds {left:.3}: {}", holds(isol, left)));
                    let near = (isol.median - left).abs() <= 0.05;
                    truth.add(format!("{name}: rate within 5 points of it: {near}"));
                }
                if let Some(latency) = cell.lat_imp.filter(|_| cell.resource != Resource::Cpu) {
                    truth.add(format!(
                        "{name}: median holds {factor}: {}",
                        holds(latency.p50, *factor)
                    ));
                    truth.add(format!(
                        "{name}: mean holds {factor}: {}",
                        holds(latency.mean, *factor)
                    ));
                }
            }
        }
    }
    println!("{} runs", records.len());
    for (title, tally) in [("cases", verdicts), ("cells", cells), ("injected", truth)] {
        println!("-- {title}");
        for (what, count) in tally.0 {
            println!("{count:5}  {what}");
        }
    }
    println!("-- loss against received, in percentage points: largest, median");
    for (name, mut points) in apart {
        points.sort_by(f64::total_cmp);
        let (most, middle) = (points[points.len() - 1], points[points.len() / 2]);
        println!("{most:6.2} {middle:6.2}  {name}");
    }
}

/// Each record beside the next one, and the last beside the first: nothing happened between them.
#[test]
#[ignore = "needs the records of a series"]
#[expect(clippy::print_stdout, reason = "the figures are quoted in the documentation")]
fn neighbours_compared() {
    let records = records();
    let tool = Tool { name: "contain-test".into(), version: env!("CARGO_PKG_VERSION").into() };
    let (mut changes, mut held, mut least, mut worse) = (Tally::default(), 0, 1.0_f64, 0);
    for (index, old) in records.iter().enumerate() {
        let new = &records[(index + 1) % records.len()];
        let sources = [Source { file: "old", report: old }, Source { file: "new", report: new }];
        let got = compare(&sources, &tool, old.seed);
        let unchanged = got.cells.iter().filter(|it| it.change == Change::Unchanged).count();
        let share = unchanged as f64 / got.cells.len().max(1) as f64;
        (held, least) = (held + usize::from(share >= 0.9), least.min(share));
        worse += usize::from(got.regression);
        for cell in got.cells {
            changes.add(format!("{}: {}", cell.probe, cell.change.name()));
        }
    }
    println!(
        "{} comparisons: {held} with 90 % unchanged or more, {worse} with anything worse; least share {least:.3}",
        records.len()
    );
    for (what, count) in changes.0 {
        println!("{count:6} {what}");
    }
}
