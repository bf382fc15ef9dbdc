//! The command with its exit codes, and its views.

use std::path::Path;

use contain_test::analyze::{Source, compare};
use contain_test::record::{Change, Report, Tool, Verdict};
use contain_test::report::{
    ViewOptions, comparison_json, comparison_markdown, comparison_table, to_json,
};
use serde_json::Value;

use super::{compared, with_held};
use crate::command::{Answer, run};

fn written(folder: &Path, name: &str, report: &Report) -> String {
    let path = folder.join(name);
    std::fs::write(&path, to_json(report)).unwrap();
    path.display().to_string()
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn exit_codes_are_those_of_the_documentation() {
    let folder = tempfile::tempdir().unwrap();
    let old = written(folder.path(), "old.json", &with_held(1.0, false));
    let slow = written(folder.path(), "slow.json", &with_held(1.8, false));
    let mut elsewhere = with_held(1.0, false);
    elsewhere.machines[0].kernel = "5.10.0".into();
    let elsewhere = written(folder.path(), "elsewhere.json", &elsewhere);
    for format in ["table", "json", "markdown"] {
        for (arguments, code) in [
            (vec![&old, &old], 0),
            (vec![&old, &slow], 0),
            (vec![&old, &elsewhere], 2),
            (vec![&old], 2),
        ] {
            let arguments: Vec<&str> = [
                &["compare", "--format", format][..],
                &arguments.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            ]
            .concat();
            assert_eq!(run(&arguments).code, code, "{arguments:?}");
        }
        let failing = |new: &str| {
            run(&["compare", &old, new, "--fail-on-regression", "--format", format]).code
        };
        assert_eq!((failing(&old), failing(&slow)), (0, 1));
        assert_eq!(
            run(&["compare", &slow, &old, "--fail-on-regression"]).code,
            0,
            "better is no regression"
        );
        assert_eq!(
            run(&["compare", &old, &elsewhere, "--allow-unlike", "--format", format]).code,
            0
        );
    }
    let answer = run(&["compare", &old, &elsewhere]);
    assert_eq!(answer.stdout, "");
    for words in ["kernel of machine host: 6.18.0 in", "5.10.0 in", "--allow-unlike"] {
        assert!(answer.stderr.contains(words), "{answer:?}");
    }
    let answer = run(&["compare", &old, "no-such.json"]);
    assert!(answer.code == 2 && answer.stderr.contains("no-such.json"), "{answer:?}");
}

#[test]
fn json_has_a_change_for_each_cell_and_names_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let old = written(folder.path(), "old.json", &with_held(1.0, false));
    let slow = written(folder.path(), "slow.json", &with_held(1.8, false));
    let answer = json(&run(&["compare", &old, &slow, "--format", "json"]));
    assert_eq!(answer["schema"], "contain-test/comparison");
    assert_eq!(answer["records"][1]["file"], slow);
    assert_eq!(answer["regression"], true);
    let cells = answer["cells"].as_array().unwrap();
    assert!(cells.iter().all(|it| {
        ["worse", "better", "unchanged", "undecided"].contains(&it["change"].as_str().unwrap())
    }));
    let worse: Vec<&Value> = cells.iter().filter(|it| it["change"] == "worse").collect();
    assert_eq!(worse.len(), 1, "{worse:#?}");
    assert_eq!((&worse[0]["config"], &worse[0]["probe"]), (&"held".into(), &"pids/fork".into()));
}

#[test]
fn every_case_has_a_row_with_what_each_record_says() {
    let (old, new) = (with_held(1.0, false), with_held(1.8, false));
    let got = compared(&old, &new);
    let held = got.cases.iter().find(|case| case.place.config == "held").expect("a case");
    let [Some(before), Some(after)] = held.seen.as_slice() else { panic!("{held:?}") };
    assert_eq!((before.verdict, before.change), (Verdict::Contained, None));
    assert_eq!((after.verdict, after.change), (Verdict::Degraded, Some(Change::Worse)));
    assert!(after.effect.as_ref().is_some_and(|it| it.times > Some(1.7)), "{after:?}");
    assert_eq!(after.ceiling.as_ref().map(|it| (it.limit, it.kept)), Some((64, true)));
    let open = got.cases.iter().find(|case| case.place.config == "open").expect("a case");
    assert_eq!(open.seen[1].as_ref().and_then(|it| it.change), Some(Change::Unchanged));
    // Undecided cells are told one by one only when asked for.
    let text = |verbose| comparison_table(&got, &ViewOptions { verbose, ..ViewOptions::default() });
    assert!(text(false).contains("degraded") && !text(false).contains("pids/fork ┆"));
    assert!(text(true).lines().count() > text(false).lines().count());
}

#[test]
fn several_records_stand_side_by_side() {
    let (one, two, three) = (with_held(1.0, false), with_held(1.8, false), with_held(1.0, true));
    let tool = Tool { name: "contain-test".into(), version: "0.1.0".into() };
    let sources = [("a.json", &one), ("b.json", &two), ("c.json", &three)]
        .map(|(file, report)| Source { file, report });
    let comparison = compare(&sources, &tool, 42);
    for width in [40, 60, 80, 100] {
        let text = comparison_table(&comparison, &ViewOptions { width, ..ViewOptions::default() });
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        for words in ["OLD", "NEW 1", "NEW 2", "▲ worse", "64/64 held"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    let quiet = ViewOptions { quiet: true, ..ViewOptions::default() };
    assert_eq!(comparison_table(&comparison, &quiet).lines().count(), 1);
    let markdown = comparison_markdown(&comparison);
    assert!(markdown.contains("|  | OLD | NEW 1 | NEW 2 |"), "{markdown}");
}

#[test]
fn names_cannot_steer_the_terminal_or_break_out_of_markdown() {
    let mut old = with_held(1.0, false);
    let mut new = with_held(1.8, false);
    let evil = "x\u{1b}[2J\u{202e}|`<b>@team\n";
    for report in [&mut old, &mut new] {
        report.scenarios[0].name = evil.into();
        report.tool.version = evil.into();
        for case in &mut report.scenarios[0].cases {
            case.config.push_str(evil);
            for it in &mut case.expectations {
                it.target.push_str(evil);
            }
        }
    }
    new.scenarios[0].cases[2].expectations[0].met = Some(false);
    let comparison = compared(&old, &new);
    let loud = ViewOptions { verbose: true, ..ViewOptions::default() };
    for text in [
        comparison_table(&comparison, &loud),
        comparison_json(&comparison),
        comparison_markdown(&comparison),
    ] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
    let markdown = comparison_markdown(&comparison);
    assert!(!markdown.contains("<b>") && !markdown.contains("@team"), "{markdown}");
}
