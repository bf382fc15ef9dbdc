//! The verdict of a case, and its comparison with the open case.

use contain_test::analyze::{CaseContext, apply_open, judge_case};
use contain_test::record::{Case, Ceiling, CeilingLevel, OomKills, Outcome, Verdict, WITH_SWAP};
use contain_test::scenario::{Control, Resource};

use super::makers::{case, ceiling, cell, judged, limited};

#[test]
fn the_own_resource_decides() {
    use Verdict::{Contained, Degraded, Denied, Harmless, Inconclusive};
    assert_eq!(judged(None, Some(Contained)).verdict, Contained, "whatever cpu says");
    assert_eq!(judged(None, Some(Denied)).verdict, Denied);
    assert_eq!(judged(None, None).verdict, Inconclusive);
    assert_eq!(judged(Some(Control::Open), Some(Contained)).verdict, Harmless);
    assert_eq!(judged(Some(Control::Open), Some(Denied)).verdict, Denied);
    assert_eq!(judged(Some(Control::Sham), Some(Contained)).verdict, Harmless);
    assert_eq!(judged(Some(Control::Sham), Some(Degraded)).verdict, Degraded);
    let mut empty = case(None, None);
    empty.cells.clear();
    judge_case(&mut empty, CaseContext::default());
    assert_eq!(empty.verdict, Inconclusive);
    assert_eq!(empty.reason, "No probe of pids gave a result.");
}

#[test]
fn a_quota_throttles_and_does_not_refuse() {
    let mut case = case(None, Some(Verdict::Contained));
    case.resource = Resource::Cpu;
    case.cells[0].verdict = Some(Verdict::Contained);
    let quota = Ceiling {
        resource: Resource::Cpu,
        knob: "cpu.max".into(),
        limit: 50_000,
        peak: Some(50_100),
        counter: Some("cpu.stat nr_throttled".into()),
        count: Some(31),
        ..ceiling(true, CeilingLevel::Sandbox)
    };
    (case.ceiling, case.ceilings) = (Some(quota.clone()), vec![quota]);
    judge_case(&mut case, CaseContext::default());
    assert_eq!(case.outcome, Some(Outcome::Throttled));
    assert!(case.reason.starts_with("cpu.max 50000 held: peak 50,100, 31 throttled periods;"));
    // Written, and not enforced.
    let passed = Ceiling { kept: false, peak: Some(99_000), ..case.ceilings[0].clone() };
    (case.ceiling, case.ceilings) = (Some(passed.clone()), vec![passed]);
    judge_case(&mut case, CaseContext::default());
    assert_eq!(case.verdict, Verdict::Breached, "{}", case.reason);
}

#[test]
fn a_limit_of_memory_kills_and_does_not_refuse() {
    let mut case = case(None, Some(Verdict::Contained));
    case.resource = Resource::Memory;
    case.cells[1] = cell(Resource::Memory, Some(Verdict::Contained));
    let limit = Ceiling {
        resource: Resource::Memory,
        knob: "memory.limit_in_bytes".into(),
        counter: Some("memory.oom_control oom_kill".into()),
        count: Some(10),
        ..ceiling(true, CeilingLevel::Sandbox)
    };
    (case.ceiling, case.ceilings) = (Some(limit.clone()), vec![limit]);
    judge_case(&mut case, CaseContext::default());
    assert_eq!((case.verdict, case.outcome), (Verdict::Contained, Some(Outcome::KilledByLimit)));
    assert!(case.reason.contains("peak 64, 10 OOM kills;"), "{}", case.reason);
}

/// The kernel's file was kept to the page: what passed the limit is memory and swap together.
#[test]
fn a_limit_of_memory_that_leaves_swap_open_is_breached_by_both_together() {
    let mut case = case(None, Some(Verdict::Contained));
    case.resource = Resource::Memory;
    let limit = Ceiling {
        resource: Resource::Memory,
        knob: "memory.max".into(),
        limit: 64 << 20,
        peak: Some(128 << 20),
        peak_source: WITH_SWAP.into(),
        counter: Some("memory.events max".into()),
        count: Some(762),
        ..ceiling(false, CeilingLevel::Inferred)
    };
    (case.ceiling, case.ceilings) = (Some(limit.clone()), vec![limit]);
    judge_case(&mut case, CaseContext::default());
    assert_eq!(case.verdict, Verdict::Breached);
    assert_eq!(
        case.reason,
        "memory.max 67108864 was passed: peak 134,217,728 with swap, which is left open, 762 refusals."
    );
}

#[test]
fn a_victim_that_the_oom_killer_took_is_denied_whatever_its_probes_say() {
    let with = |victim: Option<u64>| {
        let mut case = case(None, Some(Verdict::Contained));
        case.oom_kills = OomKills { attacker: Some(9), victim };
        case
    };
    let judged = |mut case: Case| {
        judge_case(&mut case, CaseContext::default());
        case
    };
    assert_eq!(judged(with(Some(0))).verdict, Verdict::Contained, "the attacker's own");
    assert_eq!(judged(with(None)).verdict, Verdict::Contained, "nobody tells");
    let dead = judged(with(Some(1)));
    assert_eq!(dead.verdict, Verdict::Denied);
    assert_eq!(dead.reason, "the OOM killer took 1 process of the victim.");
    let mut limited = with(Some(1));
    limited.victim_limits.memory_bytes = Some(1 << 20);
    assert_eq!(judged(limited).verdict, Verdict::Contained, "its own limit may have been it");
}

#[test]
fn ceilings_and_escapes_breach() {
    let held = limited(true, CeilingLevel::Sandbox);
    assert_eq!((held.verdict, held.outcome), (Verdict::Contained, Some(Outcome::Refused)));
    assert_eq!(
        held.reason,
        "pids.max 64 held: peak 64, 12,345 refusals; \
         pids/probe rate ×0.98 (0.95–1.00) in 6 pairs, tolerance 25 %."
    );
    let passed = limited(false, CeilingLevel::Inferred);
    assert_eq!((passed.verdict, passed.outcome), (Verdict::Breached, Some(Outcome::RanFree)));
    assert_eq!(passed.reason, "pids.max 64 was passed: peak 80, 12,345 refusals.");
    let mut escaped = case(None, Some(Verdict::Contained));
    escaped.outcome = Some(Outcome::Escaped);
    judge_case(&mut escaped, CaseContext::default());
    assert_eq!((escaped.verdict, escaped.outcome), (Verdict::Breached, Some(Outcome::Escaped)));
    let mut lost = case(None, Some(Verdict::Contained));
    judge_case(&mut lost, CaseContext { lost: true });
    assert_eq!(lost.verdict, Verdict::Lost);
}

#[test]
fn failures_are_told_with_their_numbers() {
    let mut case = case(None, Some(Verdict::Denied));
    case.cells[1].failures.insert("EAGAIN".into(), 512);
    judge_case(&mut case, CaseContext::default());
    assert_eq!(
        case.reason,
        "pids/probe failed 512 of 512 times with EAGAIN under attack, 0 of 490 when quiet."
    );
}

#[test]
fn skipped_and_failed_cases_are_left_alone() {
    for verdict in [Verdict::Skipped, Verdict::Error] {
        let mut case = case(None, Some(Verdict::Contained));
        (case.verdict, case.reason) = (verdict, "no cgroup".into());
        let before = case.clone();
        judge_case(&mut case, CaseContext::default());
        apply_open(&mut case, None);
        assert_eq!(case, before);
    }
}

#[test]
fn the_open_case_must_hurt() {
    let after = |open: Option<&Case>| {
        let mut case = limited(true, CeilingLevel::Sandbox);
        apply_open(&mut case, open);
        case
    };
    let open = |verdict| judged(Some(Control::Open), Some(verdict));
    assert_eq!(after(Some(&open(Verdict::Denied))).verdict, Verdict::Contained);
    let vacuous = after(Some(&open(Verdict::Contained)));
    assert_eq!(vacuous.verdict, Verdict::Vacuous);
    assert!(vacuous.reason.ends_with("the attack is harmless without limits too (a-config)."));
    assert_eq!(after(Some(&open(Verdict::Inconclusive))).verdict, Verdict::Inconclusive);
    let unknown = after(None);
    assert_eq!(unknown.verdict, Verdict::Inconclusive);
    assert!(unknown.reason.contains("no open case"));
    let mut control = open(Verdict::Contained);
    apply_open(&mut control, None);
    assert_eq!(control.verdict, Verdict::Harmless, "controls are compared with nothing");
    let mut leaking = judged(None, Some(Verdict::Denied));
    apply_open(&mut leaking, Some(&open(Verdict::Contained)));
    assert_eq!(leaking.verdict, Verdict::Denied);
}
