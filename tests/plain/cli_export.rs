//! Exports are refused before anything runs.

use command::run;
use contain_test::cli::export::{Export, ExportError, open_all};

use crate::command;

fn exports(arguments: &[String]) -> Vec<Export> {
    arguments.iter().map(|argument| argument.parse().unwrap()).collect()
}

#[test]
fn an_unwritable_export_exits_with_2_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let good = format!("json={}", folder.path().join("good.json").display());
    let bad = format!("json={}", folder.path().join("absent/bad.json").display());
    let answer = run(&["run", "pids", "--export", &good, "--export", &bad]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert_eq!(answer.stdout, "");
    assert!(answer.stderr.contains("absent/bad.json"), "{answer:?}");
    assert!(!answer.stderr.contains("good.json"), "{answer:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_error_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent/report.json");
    let error = open_all(&exports(&[format!("json={}", path.display())])).unwrap_err();
    assert!(matches!(error, ExportError::Unwritable { .. }));
    assert!(error.to_string().contains("absent/report.json"), "{error}");
}

#[test]
fn two_exports_to_one_file_are_refused_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let plain = format!("json={}/report.json", folder.path().display());
    let dotted = format!("json={}/./report.json", folder.path().display());
    assert!(matches!(open_all(&exports(&[plain, dotted])), Err(ExportError::Twice(_))));
}
