//! `compare`: what changed from one record to others, and what is no change.

use std::path::Path;

use command::{Answer, run};
use contain_test::analyze::{Source, compare, unlike};
use contain_test::record::{CgroupMode, Change, Comparison, LimitMove, Report, Tool, Verdict};
use contain_test::report::{
    ViewOptions, comparison_json, comparison_markdown, comparison_table, to_json,
};
use contain_test::scenario::{Expectation, ExpectedWord, Position, Resource, Target};
use record::{case, judged, record};
use serde_json::Value;

use crate::command;
use crate::record;

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

#[test]
fn a_record_beside_itself_is_unchanged() {
    let record = record();
    let comparison = compared(&record, &record);
    for cell in &comparison.cells {
        let same = matches!(cell.change, Change::Unchanged);
        assert!(same, "{}/{}: {:?}: {}", cell.place.config, cell.probe, cell.change, cell.why);
    }
    assert!(
        comparison.verdicts.is_empty()
            && comparison.ceilings.is_empty()
            && comparison.expectations.is_empty()
    );
    assert!(!comparison.regression);
}

#[test]
fn a_slowdown_beyond_noise_is_worse_and_the_way_back_is_better() {
    let (quick, slow) = (with_held(1.0, false), with_held(1.8, false));
    let there = compared(&quick, &slow);
    assert_eq!(forks(&there), Change::Worse);
    assert!(there.regression);
    let cell = there.cells.iter().find(|it| it.change == Change::Worse).unwrap();
    assert!(
        cell.metrics.iter().any(|it| it.metric == "p50" && it.difference.low > 1.25),
        "{cell:?}"
    );
    let back = compared(&slow, &quick);
    assert_eq!(forks(&back), Change::Better);
    assert!(!back.regression, "{back:#?}");
}

#[test]
fn what_the_tolerance_calls_noise_is_no_change() {
    let (one, other) = (with_held(1.0, false), with_held(1.2, false));
    assert_eq!(forks(&compared(&one, &other)), Change::Unchanged);
    assert_eq!(forks(&compared(&other, &one)), Change::Unchanged);
}

#[test]
fn what_is_beyond_noise_and_measured_badly_is_undecided() {
    let slower = with_held(2.4, false);
    let mut wild = with_held(1.0, false);
    // Every second pair of one record is as slow as all of the other.
    let blocks = &slower.scenarios[0].cases[2].blocks;
    for block in &mut wild.scenarios[0].cases[2].blocks {
        if block.pair % 2 == 1
            && let Some(slow) = blocks
                .iter()
                .find(|it| (it.pair, it.mode, it.state) == (block.pair, block.mode, block.state))
        {
            *block = slow.clone();
        }
    }
    assert_eq!(forks(&compared(&wild, &slower)), Change::Undecided);
}

/// The record with the fork probe shown and not judged.
fn shown_alone(mut report: Report) -> Report {
    let cells = &mut report.scenarios[0].cases[2].cells;
    cells.iter_mut().filter(|it| it.probe == "pids/fork").for_each(|it| it.verdict = None);
    report
}

#[test]
fn what_nobody_judged_is_never_worse_by_its_speed_and_always_by_its_failures() {
    let (quick, slow) = (shown_alone(with_held(1.0, false)), shown_alone(with_held(1.8, false)));
    assert_eq!(forks(&compared(&quick, &slow)), Change::Undecided);
    assert_eq!(forks(&compared(&slow, &quick)), Change::Undecided);
    assert_eq!(forks(&compared(&slow, &slow)), Change::Unchanged);
    assert_eq!(forks(&compared(&slow, &with_held(1.0, true))), Change::Worse);
}

#[test]
fn what_nobody_judged_is_unchanged_where_either_could_have_measured_the_other() {
    let mut old = shown_alone(with_held(1.0, false));
    let mut new = old.clone();
    // Every third pair of each is a stall, as on a busy machine: badly measured, and alike.
    let slow = with_held(2.4, false);
    for (report, rest) in [(&mut old, 0), (&mut new, 1)] {
        for block in &mut report.scenarios[0].cases[2].blocks {
            let slower = slow.scenarios[0].cases[2].blocks.iter();
            let mut slower = slower
                .filter(|it| (it.pair, it.mode, it.state) == (block.pair, block.mode, block.state));
            if block.pair % 3 == rest
                && let Some(stall) = slower.next()
            {
                *block = stall.clone();
            }
        }
    }
    assert_eq!(forks(&compared(&old, &new)), Change::Unchanged);
}

#[test]
fn the_latency_of_a_cpu_that_nobody_judges_is_no_change() {
    let mut old = with_held(1.0, false);
    for cell in &mut old.scenarios[0].cases[2].cells {
        if cell.resource == Resource::Cpu {
            (cell.isol, cell.verdict) = (None, None);
        }
    }
    let comparison = compared(&old, &old);
    let cell = comparison
        .cells
        .iter()
        .find(|it| it.place.config == "held" && it.probe == "cpu/work")
        .expect("a cell");
    assert_eq!(cell.change, Change::Unchanged);
    assert!(cell.metrics.is_empty() && cell.why.contains("not judged"), "{cell:?}");
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let (one, other) = (with_held(1.0, false), with_held(1.4, false));
    assert_eq!(compared(&one, &other), compared(&one, &other));
}

#[test]
fn a_raised_limit_is_named_with_what_it_does() {
    let old = with_held(1.0, false);
    let mut new = with_held(1.0, true);
    let held = &mut new.scenarios[0].cases[2];
    held.limits.pids = Some(4096);
    for ceiling in held.ceilings.iter_mut().chain(&mut held.ceiling) {
        ceiling.limit = 4096;
    }
    let comparison = compared(&old, &new);
    assert_eq!(forks(&comparison), Change::Worse);
    let verdict = &comparison.verdicts[0];
    assert_eq!(
        (verdict.old, verdict.new, verdict.change),
        (Some(Verdict::Contained), Some(Verdict::Denied), Change::Worse)
    );
    let limit = &comparison.ceilings[0];
    assert_eq!((limit.limit.as_str(), limit.moved), ("pids.max", LimitMove::Raised));
    assert_eq!((limit.old.as_deref(), limit.new.as_deref()), (Some("64"), Some("4096")));
    let expectation = &comparison.expectations[0];
    assert_eq!(
        (expectation.old_met, expectation.new_met, expectation.change),
        (Some(true), Some(false), Change::Worse)
    );
    for text in
        [comparison_table(&comparison, &ViewOptions::default()), comparison_markdown(&comparison)]
    {
        for words in [
            "pids.max was raised from 64 to 4096",
            "denied, before contained",
            "contained, not met; before contained, met",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    let back = compared(&new, &old);
    assert_eq!(back.ceilings[0].moved, LimitMove::Lowered);
    assert!(!back.regression);
}

#[test]
fn a_raised_limit_alone_is_told_and_is_no_regression() {
    let old = with_held(1.0, false);
    let mut new = old.clone();
    let held = &mut new.scenarios[0].cases[2];
    held.limits.pids = Some(128);
    for ceiling in held.ceilings.iter_mut().chain(&mut held.ceiling) {
        ceiling.limit = 128;
    }
    let comparison = compared(&old, &new);
    assert_eq!(comparison.ceilings.len(), 1);
    assert!(!comparison.regression);
    // A limit set or removed is told as such.
    let mut none = old.clone();
    let held = &mut none.scenarios[0].cases[2];
    held.limits.pids = None;
    held.ceilings.clear();
    held.ceiling = None;
    assert_eq!(compared(&old, &none).ceilings[0].moved, LimitMove::Removed);
    assert_eq!(compared(&none, &old).ceilings[0].moved, LimitMove::Set);
}

#[test]
fn one_limit_in_the_units_of_two_versions_has_not_moved() {
    let spelt = |knob: &str, limit: u64| {
        let mut report = with_held(1.0, false);
        let held = &mut report.scenarios[0].cases[2];
        held.limits.weight = Some(1);
        for ceiling in held.ceilings.iter_mut().chain(&mut held.ceiling) {
            (ceiling.knob, ceiling.limit) = (knob.to_owned(), limit);
        }
        report
    };
    let (v1, v2) = (spelt("cpu.shares", 11), spelt("cpu.weight", 1));
    assert_eq!(compared(&v1, &v2).ceilings, []);
    let mut twice = v2.clone();
    twice.scenarios[0].cases[2].limits.weight = Some(2);
    assert_eq!(compared(&v1, &twice).ceilings[0].moved, LimitMove::Raised);
}

#[test]
fn a_ceiling_that_does_not_hold_any_more_is_worse() {
    let old = with_held(1.0, false);
    let mut new = old.clone();
    let held = &mut new.scenarios[0].cases[2];
    for ceiling in held.ceilings.iter_mut().chain(&mut held.ceiling) {
        (ceiling.kept, ceiling.peak) = (false, Some(70));
    }
    let comparison = compared(&old, &new);
    assert_eq!(
        (comparison.ceilings[0].moved, comparison.ceilings[0].change),
        (LimitMove::Same, Change::Worse)
    );
    assert!(comparison.regression);
    assert!(
        comparison_table(&comparison, &ViewOptions::default())
            .contains("pids.max does not hold any more")
    );
}

#[test]
fn a_case_that_was_run_otherwise_is_not_compared() {
    let old = with_held(1.0, false);
    let mut new = with_held(1.8, false);
    new.scenarios[0].cases[2].node.pids = 1024;
    let comparison = compared(&old, &new);
    assert_eq!(forks(&comparison), Change::Undecided);
    assert_eq!(comparison.setups[0].what, "node");
}

#[test]
fn what_only_one_record_has_is_undecided() {
    let old = record();
    let mut new = record();
    new.scenarios[0].cases.remove(2);
    for (one, other) in [(&old, &new), (&new, &old)] {
        let comparison = compared(one, other);
        assert_eq!(forks(&comparison), Change::Undecided);
        assert_eq!(comparison.verdicts.len(), 1);
        assert!(!comparison.regression);
    }
}

#[test]
fn too_few_pairs_decide_nothing() {
    let old = with_held(1.0, false);
    let mut new = with_held(1.8, false);
    new.scenarios[0].cases[2].blocks.retain(|block| block.pair < 2);
    assert_eq!(forks(&compared(&old, &new)), Change::Undecided);
}

#[test]
fn unlike_machines_are_told_apart_by_what_counts() {
    let old = record();
    let differing = |change: fn(&mut contain_test::record::Machine)| -> Vec<&'static str> {
        let mut new = record();
        change(&mut new.machines[0]);
        let sources = [Source { file: "a", report: &old }, Source { file: "b", report: &new }];
        unlike(&sources).iter().map(|it| it.what).collect()
    };
    assert_eq!(differing(|it| it.kernel = "6.19.0".into()), ["kernel"]);
    assert_eq!(differing(|it| it.arch = "aarch64".into()), ["arch"]);
    assert_eq!(differing(|it| it.cgroup = Some(CgroupMode::V1)), ["cgroup"]);
    assert_eq!(differing(|it| it.cpus = 64), ["cpus"]);
    assert_eq!(differing(|it| it.memory_bytes *= 2), ["memory_bytes"]);
    // The kernel keeps a little more for itself from one start to the next.
    assert_eq!(differing(|it| it.memory_bytes -= 4096), Vec::<&str>::new());
}

#[test]
fn a_host_and_a_guest_are_compared_where_each_record_has_one_machine() {
    let (old, mut new) = (with_held(1.0, false), with_held(1.8, false));
    new.machines[0].id = "vm-v2".into();
    for case in new.scenarios.iter_mut().flat_map(|scenario| &mut scenario.cases) {
        case.machine = "vm-v2".into();
    }
    let got = compared(&old, &new);
    assert_eq!(forks(&got), Change::Worse);
    assert!(got.cells.iter().all(|cell| cell.place.machine == "vm-v2"));
    assert!(got.cases.iter().all(|case| case.seen.iter().all(Option::is_some)), "{:?}", got.cases);
    // With two machines in a record their IDs tell which is which.
    new.machines.push(old.machines[0].clone());
    assert_eq!(forks(&compared(&old, &new)), Change::Undecided);
}

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
