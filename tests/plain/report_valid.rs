//! Exported formats are what other programs take them for: JUnit by the schema of Jenkins, SARIF by the official schema, Prometheus,
//! CSV and JSON Lines by strict readers. Records with hostile names, made-up records and a real one.

use std::path::Path;
use std::process::Command;

use contain_test::record::{Cleanup, Report};
use contain_test::report::{Format, ViewOptions, from_json, render};
use serde_json::Value;

use crate::gallery;
use crate::prometheus;
use crate::record;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A name that ends every kind of quotation, begins every kind of markup, and steers a terminal.
const EVIL: &str =
    "]]>\"'</a><x a=\"b\">&amp;\\{},;=%0A::error::x\u{0}\u{1b}[31m\u{fffe}\u{202e}\t\r\n--@team |`";

fn evil() -> Report {
    let mut report = record::record();
    report.scenarios[0].name = EVIL.into();
    report.scenarios[0].file = EVIL.into();
    report.scenarios[0].summary = Some(EVIL.into());
    report.machines[0].id = EVIL.into();
    report.machines[0].kernel = EVIL.into();
    report.run_id = EVIL.into();
    report.tool.version = EVIL.into();
    report.cleanup = Cleanup { complete: false, failures: vec![EVIL.into()] };
    report.complete = false;
    // All cases have one name: what must be unique has to be made so.
    for case in &mut report.scenarios[0].cases {
        (case.config, case.machine, case.attacker) = (EVIL.into(), EVIL.into(), EVIL.into());
        case.reason = EVIL.into();
        for it in &mut case.expectations {
            (it.target, it.expected, it.seen, it.met) =
                (EVIL.into(), EVIL.into(), Some(EVIL.into()), Some(false));
            (it.line, it.column) = (0, 0);
        }
        for ceiling in case.ceilings.iter_mut().chain(&mut case.ceiling) {
            (ceiling.knob, ceiling.note) = (EVIL.into(), EVIL.into());
        }
        for cell in &mut case.cells {
            cell.probe = EVIL.into();
            cell.failures.insert(EVIL.into(), 3);
            if let Some(isol) = &mut cell.isol {
                (isol.median, isol.low, isol.high) = (f64::NAN, f64::NEG_INFINITY, f64::INFINITY);
            }
        }
    }
    report
}

fn records() -> Vec<(&'static str, Report)> {
    let path = root().join("tests/golden/reference.json");
    let real = from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
    let empty = Report { machines: Vec::new(), scenarios: Vec::new(), ..record::record() };
    vec![
        ("real", real),
        ("made", record::record()),
        ("gallery", gallery::gallery()),
        ("evil", evil()),
        ("empty", empty),
    ]
}

fn in_format(report: &Report, format: Format) -> String {
    render(report, format, &ViewOptions::default())
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped check must be seen")]
fn junit_is_valid_by_the_schema_of_jenkins() {
    let xmllint = Command::new("xmllint").arg("--version").output();
    if xmllint.is_err() {
        let why = "no xmllint (Debian: apt-get install libxml2-utils)";
        assert!(std::env::var_os("CONTAIN_TEST_MUST_RUN").is_none_or(|it| it != "1"), "{why}");
        eprintln!("skipped: {why}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let lint = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let schema = root().join("tests/schemas/junit-10.xsd");
        Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(schema)
            .arg(&path)
            .output()
            .unwrap()
    };
    for (name, report) in records() {
        let got = lint(name, &in_format(&report, Format::Junit));
        assert!(got.status.success(), "{name}: {}", String::from_utf8_lossy(&got.stderr));
    }
    let spoilt = in_format(&record::record(), Format::Junit)
        .replace("<testcase ", "<testcase colour=\"red\" ");
    assert!(!lint("spoilt", &spoilt).status.success(), "the check can fail");
}

#[test]
fn sarif_is_valid_by_the_official_schema() {
    let text =
        std::fs::read_to_string(root().join("tests/schemas/sarif-schema-2.1.0.json")).unwrap();
    // One pattern of the published schema closes a bracket that it never opened; what it means is plain.
    let odd = "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$";
    assert_eq!(text.matches(odd).count(), 2, "mended by its authors?");
    let schema: Value =
        serde_json::from_str(&text.replace(odd, "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, report) in records() {
        let log: Value = serde_json::from_str(&in_format(&report, Format::Sarif)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let unmet =
            report.scenarios.iter().flat_map(|it| &it.cases).flat_map(|it| &it.expectations);
        let unmet = unmet.filter(|it| it.met == Some(false)).count();
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), unmet, "{name}");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                .as_str()
                .unwrap();
            assert!(
                uri.bytes().all(|it| it.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&it)),
                "{uri}"
            );
        }
        let mut spoilt = log.clone();
        spoilt["runs"][0]["results"] = "none".into();
        assert!(!validator.is_valid(&spoilt), "the check can fail");
    }
}

#[test]
fn prometheus_pages_are_read_by_a_strict_reader() {
    for (name, report) in records() {
        let page = in_format(&report, Format::Prometheus);
        let samples = prometheus::parsed(&page).unwrap_or_else(|why| panic!("{name}: {why}"));
        let cases: usize = report.scenarios.iter().map(|it| it.cases.len()).sum();
        let leaks = samples.keys().filter(|it| it.starts_with("contain_test_case_leaks{")).count();
        assert_eq!(leaks, cases, "{name}: a sample for each case");
    }
    for wrong in [
        "a 1",
        "# HELP a b\n# TYPE a gauge\na{x=\"1} 1\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a b\n# TYPE a gauge\na{x=\"\\t\"} 1\n",
        "# HELP a b\n# TYPE a gauge\na inf\n",
        "a 1\n",
        "# HELP a b\n# TYPE a gauge\n",
    ] {
        assert!(prometheus::parsed(wrong).is_err(), "{wrong}");
    }
}

/// The lines of a text in the form of RFC 4180.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut field, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', false) if field.is_empty() => quoted = true,
            ('"', false) => panic!("a quote within a field: {field}"),
            ('"', true) if characters.peek() == Some(&'"') => field.extend(characters.next()),
            ('"', true) => {
                quoted = false;
                assert!(
                    matches!(characters.peek(), None | Some(',' | '\n')),
                    "text behind a quote: {field}"
                );
            }
            (',', false) => line.push(std::mem::take(&mut field)),
            ('\n', false) => {
                line.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut line));
            }
            (other, _) => field.push(other),
        }
    }
    assert!(!quoted && field.is_empty() && line.is_empty(), "the last line has an end");
    lines
}

#[test]
fn csv_has_a_line_for_each_cell_with_as_many_fields_as_the_header() {
    for (name, report) in records() {
        let lines = csv(&in_format(&report, Format::Csv));
        let cells: usize = report
            .scenarios
            .iter()
            .flat_map(|it| &it.cases)
            .map(|case| case.cells.len().max(1))
            .sum();
        assert_eq!(lines.len(), cells + 1, "{name}");
        for line in &lines {
            assert_eq!(line.len(), lines[0].len(), "{name}: {line:?}");
            assert!(
                line.iter().all(|field| !field.starts_with(['=', '@', '+'])),
                "no formula: {line:?}"
            );
        }
    }
    let report = record::record();
    let lines = csv(&in_format(&report, Format::Csv));
    let column = |name: &str| lines[0].iter().position(|it| it == name).unwrap();
    let cell = &report.scenarios[0].cases[1].cells[1];
    let line = lines
        .iter()
        .find(|it| it[column("config")] == "open" && it[column("probe")] == "pids/fork")
        .unwrap();
    assert_eq!(line[column("cell_verdict")], "denied");
    assert_eq!(line[column("attempts")], cell.attempts.to_string());
    assert_eq!(line[column("failures")], format!("EAGAIN={}", cell.failures["EAGAIN"]));
    assert_eq!(line[column("expectations_met")], "1");
}

#[test]
fn json_lines_are_objects_that_name_their_kind_and_place() {
    for (name, report) in records() {
        let text = in_format(&report, Format::Jsonl);
        let rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let count = |kind: &str| rows.iter().filter(|row| row["row"] == kind).count();
        let cases = || report.scenarios.iter().flat_map(|it| &it.cases);
        assert_eq!(count("run"), 1, "{name}");
        assert_eq!(count("machine"), report.machines.len());
        assert_eq!(count("case"), cases().count());
        assert_eq!(count("cell"), cases().map(|case| case.cells.len()).sum::<usize>());
        assert_eq!(
            count("expectation"),
            cases().map(|case| case.expectations.len()).sum::<usize>()
        );
        for row in rows.iter().filter(|row| row["row"] != "run" && row["row"] != "machine") {
            for key in ["scenario", "config", "machine", "runtime", "attacker", "file"] {
                assert!(row[key].is_string(), "{name}: {key}: {row}");
            }
        }
        for row in rows.iter().filter(|row| row["row"] == "expectation") {
            assert!(row["line"].is_u64() && row["column"].is_u64(), "{row}");
        }
        assert!(!text.contains("\"blocks\""), "raw blocks stay in the record");
    }
}

#[test]
fn workflow_commands_stay_few_and_whole() {
    let gallery = gallery::gallery();
    let mut many = gallery.clone();
    for scenario in &mut many.scenarios {
        for case in &mut scenario.cases {
            for it in &mut case.expectations {
                (it.met, it.seen) = (Some(false), Some("denied".into()));
            }
        }
    }
    for (name, report) in records().into_iter().chain([("many", many)]) {
        let text = in_format(&report, Format::Github);
        for kind in ["error", "warning", "notice"] {
            let of_kind =
                text.lines().filter(|line| line.starts_with(&format!("::{kind} "))).count();
            assert!(of_kind <= 10, "{name}: {of_kind} of {kind}");
        }
        for line in text.lines() {
            let (properties, _) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (_, properties) = properties.split_once(' ').unwrap();
            for property in properties.split(',') {
                let (key, value) = property.split_once('=').unwrap();
                assert!(["file", "line", "col", "title"].contains(&key), "{line}");
                assert!(!value.contains([':', '\r', '\n']), "{line}");
            }
        }
        let unmet =
            report.scenarios.iter().flat_map(|it| &it.cases).flat_map(|it| &it.expectations);
        if unmet.filter(|it| it.met == Some(false)).count() > 10 {
            assert!(text.contains("and ") && text.contains(" more: "), "{text}");
        }
    }
}
