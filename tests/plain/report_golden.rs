//! A record of a real run in every format, as it was looked at and found good; and the same with one expectation changed, which must
//! show in each of them.
//!
//! After a deliberate change of a view, `UPDATE_EXPECT=1 cargo test --test plain report_golden` writes the files anew.

use std::fs;
use std::path::Path;

use command::run;
use contain_test::report::{Format, ViewOptions, from_json, render};
use serde_json::Value;

use crate::command;

const RECORD: &str = "tests/golden/reference.json";

/// Records that are shown as Markdown beside them.
const SHOWN: [&str; 2] =
    ["reports/pids-linux-6.18-hybrid.json", "reports/seven-linux-6.18-hybrid.json"];

/// The formats and the ends of their files.
const FORMATS: [(Format, &str); 9] = [
    (Format::Table, "txt"),
    (Format::Html, "html"),
    (Format::Markdown, "md"),
    (Format::Junit, "xml"),
    (Format::Sarif, "sarif"),
    (Format::Csv, "csv"),
    (Format::Prometheus, "prom"),
    (Format::Jsonl, "jsonl"),
    (Format::Github, "github"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn same(path: &Path, seen: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, seen).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == seen {
        return Ok(());
    }
    let line = expected.lines().zip(seen.lines()).find(|(one, other)| one != other);
    let cut = |line: &str| line.chars().take(300).collect::<String>();
    Err(format!("{}: {:?}", path.display(), line.map(|(one, other)| (cut(one), cut(other)))))
}

#[test]
fn every_format_is_as_it_was_found_good() {
    let report = from_json(&fs::read_to_string(root().join(RECORD)).unwrap()).unwrap();
    let changed: Vec<String> = FORMATS
        .into_iter()
        .filter_map(|(format, end)| {
            let text = render(&report, format, &ViewOptions::default());
            same(&root().join(format!("tests/golden/reference.{end}")), &text).err()
        })
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn records_of_the_folder_are_shown_beside_them() {
    for name in SHOWN {
        let path = root().join(name);
        let report = from_json(&fs::read_to_string(&path).unwrap()).unwrap();
        let markdown = render(&report, Format::Markdown, &ViewOptions::default());
        same(&path.with_extension("md"), &markdown).unwrap();
    }
}

/// The record with `expect: denied` in the place of `expect: contained`, in a file of its own.
fn changed(folder: &Path) -> String {
    let mut record: Value =
        serde_json::from_str(&fs::read_to_string(root().join(RECORD)).unwrap()).unwrap();
    let case = &mut record["scenarios"][0]["cases"][2];
    assert_eq!(case["config"], "pids-64");
    case["expectations"][0]["expected"] = "denied".into();
    let path = folder.join("changed.json");
    fs::write(&path, record.to_string()).unwrap();
    path.display().to_string()
}

#[test]
fn an_expectation_that_is_not_met_shows_in_every_format_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = changed(folder.path());
    let shown = |format: &str| {
        let answer = run(&["report", &path, "--format", format]);
        assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{format}");
        answer.stdout
    };
    assert!(
        shown("table")
            .contains("scenarios/pids.yaml:23:13: expected denied, seen contained (pids-64)")
    );
    assert!(
        shown("markdown").contains("scenarios/pids.yaml:23:13: expected denied, seen contained")
    );

    let github = shown("github");
    let errors: Vec<&str> = github.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 1, "{github}");
    assert!(
        errors[0].starts_with("::error file=scenarios/pids.yaml,line=23,col=13,title=pids/pids-64::expected denied, seen contained"),
        "{github}"
    );

    let junit = shown("junit");
    assert_eq!(
        (junit.matches("<failure").count(), junit.matches("<error").count()),
        (1, 0),
        "{junit}"
    );
    assert!(
        junit.contains("<failure message=\"expected denied, seen contained\" type=\"unmet\">"),
        "{junit}"
    );

    let sarif: Value = serde_json::from_str(&shown("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(
        (&results[0]["ruleId"], &results[0]["level"]),
        (&"contained".into(), &"error".into())
    );
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "scenarios/pids.yaml");
    assert_eq!(
        (&place["region"]["startLine"], &place["region"]["startColumn"]),
        (&23.into(), &13.into())
    );

    let html = shown("html");
    assert_eq!(html.matches("class=\"unmet bad\"").count(), 1);
    assert!(html.contains("Expected <strong>denied</strong>, seen <strong>contained</strong>"));
    assert!(html.contains("<code>scenarios/pids.yaml:23:13</code>"));
    assert!(html.contains("Not as expected"));

    let metrics = shown("prometheus");
    assert!(metrics.contains("contain_test_expectations{result=\"unmet\"} 1\n"), "{metrics}");
    assert!(metrics.contains("target=\"pids\",expected=\"denied\"} 0\n"), "{metrics}");
    assert_eq!(shown("csv").lines().filter(|line| line.contains(",pids denied,0,1,")).count(), 2);
    let rows = shown("jsonl");
    let unmet =
        |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|row| row["met"] == false);
    assert_eq!(rows.lines().filter(unmet).count(), 1);
    let json: Value = serde_json::from_str(&shown("json")).unwrap();
    assert_eq!(json["scenarios"][0]["cases"][2]["expectations"][0]["met"], false);
}

#[test]
fn the_unchanged_record_has_no_error_anywhere() {
    let path = root().join(RECORD).display().to_string();
    let shown = |format: &str| {
        let answer = run(&["report", &path, "--format", format]);
        assert_eq!(answer.code, 0, "{format}");
        answer.stdout
    };
    assert!(!shown("github").contains("::error"));
    assert!(!shown("junit").contains("<failure"));
    let sarif: Value = serde_json::from_str(&shown("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(0));
    assert!(!shown("html").contains("Not as expected"));
}
