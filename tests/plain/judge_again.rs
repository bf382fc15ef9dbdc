//! An old record, judged again.

use std::collections::BTreeMap;

use contain_test::analyze::{AgainError, judge_again};
use contain_test::record::{Case, Report, Verdict};
use contain_test::report::{from_json, to_json};
use contain_test::scenario::{Resource, Tolerances};
use record::{SEED, case, judged, record};

use crate::record;

fn named<'a>(report: &'a Report, config: &str) -> &'a Case {
    report.scenarios[0].cases.iter().find(|case| case.config == config).unwrap()
}

#[test]
fn the_fixture_has_every_kind_of_case() {
    let record = record();
    for (config, verdict) in [
        ("sham", Verdict::Harmless),
        ("open", Verdict::Denied),
        ("held", Verdict::Contained),
        ("slow", Verdict::Degraded),
        ("starved", Verdict::Contained),
        ("skipped", Verdict::Skipped),
        ("escaped", Verdict::Breached),
    ] {
        assert_eq!(named(&record, config).verdict, verdict, "{config}");
    }
    let met = |case: &Case| case.expectations.iter().map(|it| it.met).collect::<Vec<_>>();
    assert_eq!(met(named(&record, "starved")), [Some(true), Some(true)]);
    assert_eq!(met(named(&record, "skipped")), [None]);
}

#[test]
fn with_its_own_seed_and_rules_nothing_changes_even_through_a_file() {
    let stored = record();
    let mut again = from_json(&to_json(&stored)).unwrap();
    judge_again(&mut again, &Tolerances::default(), SEED).unwrap();
    assert_eq!(again, stored);
}

#[test]
fn what_was_stored_is_not_believed() {
    let stored = record();
    let mut forged = stored.clone();
    for case in &mut forged.scenarios[0].cases {
        if matches!(case.verdict, Verdict::Skipped) {
            continue;
        }
        (case.verdict, case.reason) = (Verdict::Contained, "all is well".into());
        case.cells.iter_mut().for_each(|cell| cell.verdict = Some(Verdict::Contained));
        case.expectations
            .iter_mut()
            .filter(|it| it.target != "inside.pid")
            .for_each(|it| (it.met, it.seen) = (Some(false), None));
    }
    judge_again(&mut forged, &Tolerances::default(), SEED).unwrap();
    assert_eq!(forged, stored);
}

#[test]
fn another_tolerance_turns_verdict_and_expectation_around() {
    let mut report = record();
    let rules = Tolerances(BTreeMap::from([((Resource::Pids, None), 60)]));
    judge_again(&mut report, &rules, SEED).unwrap();
    let slow = named(&report, "slow");
    assert_eq!(slow.verdict, Verdict::Contained, "{}", slow.reason);
    assert_eq!(slow.expectations[0].met, Some(false));
    assert_eq!(slow.expectations[0].seen.as_deref(), Some("contained"));
    assert!(slow.reason.contains("tolerance 60 %"), "{}", slow.reason);
    let rules = Tolerances(BTreeMap::from([((Resource::Cpu, None), 50)]));
    let mut report = record();
    judge_again(&mut report, &rules, SEED).unwrap();
    assert_eq!(named(&report, "starved").expectations[0].met, Some(false), "a named probe");
}

#[test]
fn skipped_failed_lost_and_escaped_stay() {
    let mut report = record();
    let mut failed = case("failed", None, (1.0, true), 1.0);
    (failed.verdict, failed.reason) = (Verdict::Error, "no fork".into());
    let mut lost = case("lost", None, (1.0, false), 1.0);
    lost.verdict = Verdict::Lost;
    report.scenarios[0].cases.extend([failed.clone(), lost]);
    judge_again(&mut report, &Tolerances::default(), 7).unwrap();
    assert_eq!(report.seed, 7);
    assert_eq!(*named(&report, "failed"), failed);
    assert_eq!(named(&report, "lost").verdict, Verdict::Lost);
    assert_eq!(named(&report, "escaped").verdict, Verdict::Breached);
    assert_eq!(named(&report, "skipped"), named(&record(), "skipped"));
}

#[test]
fn the_most_alike_of_several_open_cases_is_the_one_compared_with() {
    let mut report = record();
    // A second open case, without an effect, whose victim has a limit.
    let mut harmless = case("open-2", Some("open"), (1.0, false), 1.0);
    harmless.victim_limits.pids = Some(100);
    let harmless = judged(harmless, None, &[], false);
    let mut alike = case("alike", None, (1.0, false), 1.0);
    alike.victim_limits.pids = Some(100);
    let alike = judged(alike, Some(&harmless), &[], false);
    assert_eq!(alike.verdict, Verdict::Vacuous);
    // Another one with other namespaces, which only the steps tell.
    let mut shared = case("open-3", Some("open"), (1.0, false), 1.0);
    shared.steps.push("attacker: clone into the cgroup, new namespaces: pid".into());
    let shared = judged(shared, None, &[], false);
    let mut with_it = case("with-it", None, (1.0, false), 1.0);
    with_it.steps.push("attacker: clone into the cgroup, new namespaces: pid".into());
    let with_it = judged(with_it, Some(&shared), &[], false);
    report.scenarios[0].cases.extend([harmless, alike, shared, with_it]);
    let stored = report.clone();
    judge_again(&mut report, &Tolerances::default(), SEED).unwrap();
    assert_eq!(report, stored);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let mut report = record();
    report.scenarios[0].cases[2].blocks.clear();
    let error = judge_again(&mut report, &Tolerances::default(), SEED).unwrap_err();
    assert!(matches!(&error, AgainError::NoBlocks { config, .. } if config == "held"), "{error}");
    for (target, word) in [("pids", "splendid"), ("gpu", "contained"), ("pids", "")] {
        let mut report = record();
        let expected = &mut report.scenarios[0].cases[2].expectations[0];
        (expected.target, expected.expected) = (target.into(), word.into());
        let error = judge_again(&mut report, &Tolerances::default(), SEED).unwrap_err();
        assert!(matches!(error, AgainError::Expectation { .. }), "{error}");
    }
}
