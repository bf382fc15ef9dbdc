//! What is expected of a case.

use contain_test::analyze::{
    ExitOptions, NOT_JUDGED, apply_open, judge_expectations, named_targets,
};
use contain_test::record::{Case, CeilingLevel, Verdict};
use contain_test::scenario::{
    Assertion, CgroupMode, Condition, Control, Expectation, ExpectedWord, FactName, FactValue,
    Resource, Target,
};

use super::makers::{ANYWHERE, HERE, case, code, expecting, judged, limited};

fn met(case: &mut Case, target: Target, words: &[ExpectedWord]) -> (Option<String>, Option<bool>) {
    judge_expectations(case, &[expecting(target, words)], &[], &ANYWHERE);
    let it = case.expectations.remove(0);
    (it.seen, it.met)
}

#[test]
fn expectations_meet_their_verdicts() {
    use ExpectedWord as Word;
    let seen = |word: &str, met| (Some(word.to_owned()), Some(met));
    let mut denied = judged(None, Some(Verdict::Denied));
    assert_eq!(met(&mut denied, Target::Own, &[Word::Leaks]), seen("denied", true));
    assert_eq!(
        met(&mut denied, Target::Own, &[Word::Contained, Word::Denied]),
        seen("denied", true)
    );
    assert_eq!(met(&mut denied, Target::Own, &[Word::Contained]), seen("denied", false));
    let cpu = Target::Named(Resource::Cpu, None);
    assert_eq!(met(&mut denied, cpu, &[Word::Degraded]), seen("degraded", true));
    for probe in ["probe", "cpu/probe"] {
        let target = Target::Named(Resource::Cpu, Some(probe.into()));
        assert_eq!(met(&mut denied, target, &[Word::Degraded]), seen("degraded", true));
    }
    let disk = Target::Named(Resource::Disk, None);
    assert_eq!(met(&mut denied, disk, &[Word::Contained]), seen(NOT_JUDGED, false));
    let mut unclear = judged(None, Some(Verdict::Inconclusive));
    assert_eq!(met(&mut unclear, Target::Own, &Word::ALL), seen("inconclusive", false));
    let mut vacuous = limited(true, CeilingLevel::Sandbox);
    apply_open(&mut vacuous, Some(&judged(Some(Control::Open), Some(Verdict::Contained))));
    let own = Target::Named(Resource::Pids, None);
    assert_eq!(met(&mut vacuous, own, &[Word::Contained]), seen("vacuous", false));
    let mut skipped = case(None, None);
    skipped.verdict = Verdict::Skipped;
    assert_eq!(met(&mut skipped, Target::Own, &[Word::Contained]), (None, None));
}

#[test]
fn expectations_keep_their_words_and_places() {
    let mut case = judged(None, Some(Verdict::Denied));
    let probe = Target::Named(Resource::Cpu, Some("work".into()));
    let expect = [
        expecting(Target::Own, &[ExpectedWord::Contained, ExpectedWord::Denied]),
        expecting(probe.clone(), &[ExpectedWord::Degraded]),
    ];
    judge_expectations(&mut case, &expect, &[], &ANYWHERE);
    let it = &case.expectations[0];
    assert_eq!((it.target.as_str(), it.expected.as_str()), ("pids", "contained|denied"));
    assert_eq!((it.line, it.column), (3, 5));
    assert_eq!(case.expectations[1].target, "cpu/work");
    assert_eq!(named_targets(&expect), [(Resource::Cpu, Some("work".to_owned()))]);
}

#[test]
fn conditions_that_do_not_hold_skip_what_is_expected() {
    let only_on = |mode| {
        let when = Some(Condition { cgroup: vec![mode], ..Condition::default() });
        Expectation { when, ..expecting(Target::Own, &[ExpectedWord::Contained]) }
    };
    let expect = [only_on(CgroupMode::V1), only_on(CgroupMode::V2)];
    let mut denied = judged(None, Some(Verdict::Denied));
    judge_expectations(&mut denied, &expect, &[], &ANYWHERE);
    let [other, here] = &denied.expectations[..] else { panic!("two expectations") };
    assert_eq!((other.met, other.seen.as_deref()), (None, None));
    let why = other.skipped.as_deref();
    assert_eq!(why, Some("needs cgroup v1, but this machine has v2"));
    assert_eq!((here.met, here.seen.as_deref()), (Some(false), Some("denied")));
    assert_eq!(here.skipped, None);
    denied.expectations.truncate(1);
    assert_eq!(code(&[&denied], ExitOptions::default()), 0, "what was skipped is not unmet");
    let mut skipped = case(None, None);
    skipped.verdict = Verdict::Skipped;
    judge_expectations(&mut skipped, &expect, &[], &ANYWHERE);
    assert!(skipped.expectations.iter().all(|it| it.met.is_none() && it.skipped.is_none()));
}

#[test]
fn facts_are_compared() {
    let mut case = judged(None, Some(Verdict::Contained));
    case.facts.insert(FactName::InsidePid, FactValue::Number(1));
    case.facts.insert(FactName::InsideSeesOutside, FactValue::Flag(true));
    let assertion = |fact, equals, value| Assertion {
        fact,
        equals,
        value,
        text: String::new(),
        position: HERE,
    };
    let asserts = [
        assertion(FactName::InsidePid, true, FactValue::Number(1)),
        assertion(FactName::InsidePid, false, FactValue::Number(1)),
        assertion(FactName::InsideSeesOutside, true, FactValue::Flag(false)),
        assertion(FactName::OutsidePid, true, FactValue::Number(7)),
    ];
    judge_expectations(&mut case, &[], &asserts, &ANYWHERE);
    let got: Vec<_> = case
        .expectations
        .iter()
        .map(|it| (it.target.as_str(), it.expected.as_str(), it.seen.as_deref(), it.met))
        .collect();
    assert_eq!(
        got,
        [
            ("inside.pid", "1", Some("1"), Some(true)),
            ("inside.pid", "not 1", Some("1"), Some(false)),
            ("inside.sees_outside", "false", Some("true"), Some(false)),
            ("outside.pid", "7", None, Some(false)),
        ]
    );
}
