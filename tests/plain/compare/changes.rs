//! What is a change, and which.

use contain_test::analyze::{Source, unlike};
use contain_test::record::{CgroupMode, Change, LimitMove, Report, Verdict};
use contain_test::report::{ViewOptions, comparison_markdown, comparison_table};
use contain_test::scenario::Resource;

use super::{compared, forks, with_held};
use crate::record::record;

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
