//! The exit code of a record, and what a sham that leaks takes back.

use contain_test::analyze::{
    CaseContext, ExitOptions, exit_verdict, judge_among, judge_case, judge_expectations,
};
use contain_test::record::{Case, Verdict};
use contain_test::scenario::{Control, ExpectedWord, Placement, Resource, Target};

use super::makers::{ANYWHERE, case, code, expecting, judged, report};

#[test]
fn exit_codes_follow_their_precedence() {
    let plain = ExitOptions::default();
    let must_run = ExitOptions { must_run: true, ..plain };
    let allow = ExitOptions { allow_inconclusive: true, ..plain };
    let expect = |mut case: Case, word| {
        judge_expectations(&mut case, &[expecting(Target::Own, &[word])], &[], &ANYWHERE);
        case
    };
    let good = expect(judged(None, Some(Verdict::Contained)), ExpectedWord::Contained);
    let bad = expect(judged(None, Some(Verdict::Denied)), ExpectedWord::Contained);
    let silent = judged(None, Some(Verdict::Inconclusive));
    let unclear = expect(silent.clone(), ExpectedWord::Contained);
    let noisy = judged(Some(Control::Sham), Some(Verdict::Degraded));
    let with = |verdict| {
        let mut case = case(None, None);
        case.verdict = verdict;
        expect(case, ExpectedWord::Contained)
    };
    let (skipped, failed) = (with(Verdict::Skipped), with(Verdict::Error));

    assert_eq!(code(&[&good], plain), 0);
    assert_eq!(code(&[&good, &silent], plain), 0, "nobody expected anything");
    assert_eq!(code(&[&good, &bad], plain), 1);
    assert_eq!(code(&[&good, &unclear], plain), 4);
    assert_eq!(code(&[&good, &unclear], allow), 0);
    assert_eq!(code(&[&good, &noisy], plain), 4);
    assert_eq!(code(&[&good, &noisy], allow), 0);
    assert_eq!(code(&[&bad, &noisy, &unclear], plain), 1);
    assert_eq!(code(&[&bad, &unclear], allow), 1);
    assert_eq!(code(&[&good, &skipped], plain), 0);
    assert_eq!(code(&[&good, &skipped], must_run), 3);
    assert_eq!(code(&[&skipped], plain), 3);
    assert_eq!(code(&[], plain), 3, "nothing ran");
    assert_eq!(code(&[&unclear, &skipped], must_run), 4);
    assert_eq!(code(&[&bad, &failed, &noisy], plain), 5);
    let mut dirty = report(vec![bad, failed]);
    dirty.cleanup.complete = false;
    assert_eq!(exit_verdict(&dirty, plain), 6);
}

#[test]
fn a_leaking_sham_takes_back_slowdowns_and_nothing_else() {
    let noisy = {
        let mut sham = case(Some(Control::Sham), Some(Verdict::Degraded));
        judge_case(&mut sham, CaseContext::default());
        sham
    };
    assert_eq!(noisy.verdict, Verdict::Degraded);
    let judged = |verdict, failures: &[(&str, u64)], sham: &Case| {
        let mut case = case(None, Some(verdict));
        let own = case.cells.iter_mut().find(|cell| cell.resource == Resource::Pids).unwrap();
        own.failures = failures.iter().map(|&(errno, count)| (errno.to_owned(), count)).collect();
        judge_among(&mut case, std::slice::from_ref(sham), CaseContext::default());
        case
    };
    let slow = judged(Verdict::Degraded, &[], &noisy);
    assert_eq!(slow.verdict, Verdict::Inconclusive);
    assert!(slow.reason.contains("The sham leaks"), "{}", slow.reason);
    assert_eq!(judged(Verdict::Denied, &[("ETIME", 9)], &noisy).verdict, Verdict::Inconclusive);
    assert_eq!(judged(Verdict::Denied, &[("EAGAIN", 9)], &noisy).verdict, Verdict::Denied);
    assert_eq!(judged(Verdict::Contained, &[], &noisy).verdict, Verdict::Contained);
    // On another ground it says nothing.
    let mut elsewhere = noisy.clone();
    elsewhere.placement = Placement::Together;
    assert_eq!(judged(Verdict::Degraded, &[], &elsewhere).verdict, Verdict::Degraded);
    let mut quiet = case(Some(Control::Sham), Some(Verdict::Contained));
    judge_case(&mut quiet, CaseContext::default());
    assert_eq!(judged(Verdict::Degraded, &[], &quiet).verdict, Verdict::Degraded);
}
