//! `compare`: what changed from one record to others, and what is no change.

use contain_test::analyze::{Source, compare};
use contain_test::record::{Change, Comparison, Report, Tool};
use contain_test::scenario::{Expectation, ExpectedWord, Position, Target};

use crate::record::{case, judged, record};

mod changes;
mod views;

/// The record with another fork probe in its case `held`: how many times as long, and whether it fails.
fn with_held(slower: f64, fails: bool) -> Report {
    let mut report = record();
    let cases = &mut report.scenarios[0].cases;
    let open = cases[1].clone();
    let contained = Expectation {
        target: Target::Own,
        any_of: vec![ExpectedWord::Contained],
        position: Position { line: 12, column: 13 },
        when: None,
    };
    cases[2] = judged(case("held", None, (slower, fails), 1.0), Some(&open), &[contained], true);
    report
}

fn compared(old: &Report, new: &Report) -> Comparison {
    let tool = Tool { name: "contain-test".into(), version: "0.1.0".into() };
    let sources =
        [Source { file: "old.json", report: old }, Source { file: "new.json", report: new }];
    compare(&sources, &tool, 42)
}

/// The change of `pids/fork` in the case `held`.
fn forks(comparison: &Comparison) -> Change {
    let cell =
        comparison.cells.iter().find(|it| it.place.config == "held" && it.probe == "pids/fork");
    cell.expect("a cell").change
}
