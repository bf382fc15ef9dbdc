//! Views of a record for other programs: Markdown and JUnit XML.

use contain_test::record::{Cleanup, Report, Verdict};
use contain_test::report::{Format, ViewOptions, render};
use fixture::report;

use crate::fixture;

const MARKDOWN: &str = "\
4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.

## pids: A fork bomb must not take process IDs from its neighbour.

Machine host: kernel 6.18.0, x86\\_64, cgroup v1+v2 (hybrid), 2 CPUs, 4096 MiB

|  | sham | open | pids-64 | pids-4096 |
|---|---|---|---|---|
| cpu | ×1.00 | ×1.00 | ×1.00 | ×1.00 |
| memory | ×1.30 | ×1.30 | ×1.30 | ×1.30 |
| pids | contained ×1.03 | denied 100% EAGAIN | contained ×1.03 | denied 100% EAGAIN |
| ceiling | – | – | 64/64 held<br>12k refused | 508/4096 node full<br>12k refused |
| verdict | harmless | denied | contained | denied |
| expected | – | ✓ leaks | ✓ contained<br>✓ inside.pid 1 | ✗ contained |

- scenarios/pids.yaml:17:13: expected contained, seen denied (pids-4096): \
pids.max 4096 was not what stopped it, the node's capacity was: peak 508, 12,345 refusals; \
pids/fork failed 512 of 512 times with EAGAIN under attack, 0 of 490 when quiet.
";

#[test]
fn markdown_has_the_same_words_in_a_table_of_its_own() {
    let text = render(&report(), Format::Markdown, &ViewOptions::default());
    assert_eq!(text, MARKDOWN, "\n{text}");
    let loud = ViewOptions { color: true, verbose: true, quiet: true, width: 60 };
    assert_eq!(render(&report(), Format::Markdown, &loud), text, "options change nothing");
}

#[test]
fn names_cannot_break_out_of_markdown() {
    let mut report = report();
    let evil = "a|b`c`<script>\n\n# x\r- @team [l](http://x) ![i](y) *b* \\";
    let scenario = &mut report.scenarios[0];
    scenario.name = evil.into();
    (scenario.summary, scenario.file) = (Some(evil.into()), evil.into());
    for case in &mut scenario.cases {
        (case.config, case.reason) = (evil.into(), evil.into());
        for it in &mut case.expectations {
            (it.met, it.seen, it.expected) = (Some(false), Some(evil.into()), evil.into());
        }
    }
    report.cleanup = Cleanup { complete: false, failures: vec![evil.into()] };
    let text = render(&report, Format::Markdown, &ViewOptions::default());
    assert!(!text.contains("<script") && !text.contains("@team"), "{text}");
    let bare = text.replace("\\\\", "");
    for (index, character) in bare.char_indices() {
        if "`*[".contains(character) {
            assert_eq!(&bare[index - 1..index], "\\", "{text}");
        }
    }
    for row in bare.lines().filter(|line| line.starts_with("| ")) {
        let bars = row.matches('|').count() - row.matches("\\|").count();
        assert_eq!(bars, 6, "a label and four cells: {row}");
    }
    for line in text.lines().filter(|line| !line.is_empty()) {
        let ours = ["## ", "- ", "|", "Machine ", "4 cases"];
        assert!(ours.iter().any(|start| line.starts_with(start)), "{line}");
    }
}

#[test]
fn junit_has_a_suite_for_each_scenario_and_a_failure_for_each_unmet_expectation() {
    let mut report = report();
    let mut error = report.scenarios[0].cases[3].clone();
    (error.config, error.verdict) = ("broken".into(), Verdict::Error);
    let mut skipped = report.scenarios[0].cases[1].clone();
    (skipped.config, skipped.verdict) = ("absent".into(), Verdict::Skipped);
    skipped.reason = "no swap: add some".into();
    for it in &mut skipped.expectations {
        (it.met, it.seen) = (None, None);
    }
    let mut unclear = report.scenarios[0].cases[2].clone();
    (unclear.config, unclear.verdict) = ("unclear".into(), Verdict::Inconclusive);
    unclear.expectations[0].seen = Some("inconclusive".into());
    let mut nobody = unclear.clone();
    (nobody.config, nobody.expectations) = ("nobody-asked".into(), Vec::new());
    report.scenarios[0].cases.extend([error, skipped, unclear, nobody]);
    let text = render(&report, Format::Junit, &ViewOptions::default());
    let parsed = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((parsed.tests, parsed.failures, parsed.errors), (15, 2, 1));
    let suite = &parsed.test_suites[0];
    assert_eq!(suite.skipped, 3);
    assert_eq!(suite.name.as_str(), "pids");
    assert!(
        suite.properties.iter().any(|it| {
            it.name.as_str() == "machine.host.kernel" && it.value.as_str() == "6.18.0"
        })
    );
    assert!(text.contains("timestamp=\"2023-11-14T22:13:20.000"), "{text}");
    assert!(text.contains("<failure message=\"expected contained, seen denied\" type=\"unmet\">"));
    assert!(text.contains("scenarios/pids.yaml:17:13: expected contained"));
    assert_eq!(text.matches("type=\"inconclusive\"").count(), 1, "{text}");
    assert!(text.contains("<skipped message=\"no swap: add some\"/>"), "{text}");
    assert!(!text.contains("name=\"cleanup\""));
    let spoilt = Cleanup { complete: false, failures: vec!["cgroup is still there".into()] };
    let report = Report { cleanup: spoilt, complete: false, ..report };
    let text = render(&report, Format::Junit, &ViewOptions::default());
    assert!(text.contains("name=\"cleanup\"") && text.contains("name=\"complete\""), "{text}");
}

#[test]
fn junit_is_xml_whatever_the_names_hold() {
    let mut report = report();
    let evil = "]]><x a='\"&\u{0}\u{1b}[31m\u{fffe}\u{ffff}\u{b}--\n";
    for case in &mut report.scenarios[0].cases {
        (case.config, case.reason) = (evil.into(), evil.into());
    }
    report.scenarios[0].name = evil.into();
    report.machines[0].kernel = evil.into();
    let text = render(&report, Format::Junit, &ViewOptions::default());
    let bad = |it: char| (it < ' ' && it != '\n') || ['\u{fffe}', '\u{ffff}'].contains(&it);
    assert_eq!(text.chars().find(|&it| bad(it)), None);
    let parsed = quick_junit::Report::deserialize_from_str(&text).unwrap();
    let names: std::collections::BTreeSet<&str> =
        parsed.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), parsed.tests, "no name twice");
}
