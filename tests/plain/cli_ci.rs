//! What GitHub Actions gets: the summary of a step, truncated where it must be, and no command from a name.

use std::path::Path;

use command::{Answer, contain_test, finish};
use contain_test::record::Report;
use contain_test::report::{STEP_SUMMARY_BYTES, render_step_summary, to_json};

use crate::command;
use crate::gallery;
use crate::record;

fn written(folder: &Path, report: &Report) -> String {
    let path = folder.join("record.json");
    std::fs::write(&path, to_json(report)).unwrap();
    path.display().to_string()
}

/// Runs the program as a runner would.
fn on_runner(arguments: &[&str], summary: Option<&Path>) -> Answer {
    let mut command = contain_test(arguments);
    command.env("GITHUB_ACTIONS", "true").env_remove("GITHUB_STEP_SUMMARY");
    if let Some(path) = summary {
        command.env("GITHUB_STEP_SUMMARY", path);
    }
    finish(command.spawn().unwrap())
}

#[test]
fn the_summary_of_a_step_is_appended_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let record = written(folder.path(), &record::record());
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let answer = on_runner(&["report", &record, "--format", "github"], Some(&summary));
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
    assert!(answer.stdout.starts_with("::"), "{answer:?}");
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n7 cases: ") && text.contains("## pids"), "{text}");
    // Other formats of `report` leave it alone: only `run` writes it by itself.
    let answer = on_runner(&["report", &record], Some(&summary));
    assert!(!answer.stdout.contains("::notice") && !answer.stderr.contains("::notice"));
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), text);
    // Where the variable is not set there is no summary, and no error.
    assert_eq!(on_runner(&["report", &record, "--format", "github"], None).code, 0);
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let record = written(folder.path(), &record::record());
    let answer = on_runner(
        &["report", &record, "--format", "github"],
        Some(&folder.path().join("absent/summary.md")),
    );
    assert_eq!(answer.code, 0);
    assert!(answer.stderr.contains("warning: cannot write the summary of the step"), "{answer:?}");
}

#[test]
fn a_summary_that_is_too_long_says_what_is_left_out() {
    let mut report = gallery::gallery();
    for scenario in &mut report.scenarios {
        for case in &mut scenario.cases {
            case.blocks.clear();
        }
    }
    let several = report.scenarios.clone();
    while report.scenarios.len() < 2_000 {
        report.scenarios.extend(several.iter().cloned());
    }
    let whole = render_step_summary(&report, usize::MAX);
    assert!(whole.len() > STEP_SUMMARY_BYTES && !whole.contains("left out"));
    let text = render_step_summary(&report, STEP_SUMMARY_BYTES);
    assert!(text.len() <= STEP_SUMMARY_BYTES, "{}", text.len());
    assert!(text.len() > STEP_SUMMARY_BYTES / 2);
    let last = text.lines().last().unwrap();
    assert!(last.contains("of 2000 scenarios are left out here"), "{last}");
    assert!(
        render_step_summary(&report, 0)
            .lines()
            .last()
            .unwrap()
            .contains("2000 of 2000 scenarios are left out")
    );
}

#[test]
fn no_name_becomes_a_command_of_the_runner() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = record::record();
    let evil = "::error::x ::stop-commands::y ##[error]z";
    report.scenarios[0].name = evil.into();
    report.scenarios[0].file = evil.into();
    for case in &mut report.scenarios[0].cases {
        case.config = evil.into();
    }
    let record = written(folder.path(), &report);
    for format in ["table", "markdown", "csv", "prometheus", "jsonl", "json", "junit", "sarif"] {
        let answer = on_runner(&["report", &record, "--format", format], None);
        for line in answer.stdout.lines() {
            assert!(!line.trim_start().starts_with("::"), "{format}: {line}");
            assert!(!line.trim_start().starts_with("##["), "{format}: {line}");
        }
    }
}
