//! The verdict of a case, its comparison with the open case, expectations and exit codes.

use std::collections::BTreeMap;

use contain_test::analyze::{
    CaseContext, ExitOptions, NOT_JUDGED, apply_open, exit_verdict, judge_among, judge_case,
    judge_expectations, named_targets,
};
use contain_test::record::{
    Attack, Case, Ceiling, CeilingLevel, Cell, CellKind, Cleanup, Interval, OomKills, Outcome,
    QuietSample, Report, SCHEMA, SCHEMA_VERSION, ScenarioRecord, Tool, Verdict, WITH_SWAP, Watch,
};
use contain_test::scenario::{
    Assertion, CgroupMode, Condition, Control, Expectation, ExpectedWord, FactName, FactValue,
    Limits, MachineFacts, NodeSpec, Placement, Position, Resource, Target, Trials,
};

const HERE: Position = Position { line: 3, column: 5 };

fn cell(resource: Resource, verdict: Option<Verdict>) -> Cell {
    let near_one = Interval { median: 0.98, low: 0.95, high: 1.0 };
    Cell {
        resource,
        probe: format!("{resource}/probe"),
        kind: CellKind::Interference,
        verdict,
        via: None,
        attempts: 512,
        failures: BTreeMap::new(),
        found: Vec::new(),
        quiet: QuietSample { attempts: 490, failures: BTreeMap::new() },
        isol: Some(near_one),
        lat_imp: None,
        lat_growth_ns: None,
        lat_floor_ns: 5_000.0,
        net: None,
        beside_placebo: None,
        faster: false,
        tolerance: 0.25,
        latency_pairs: 0,
        capacity_pairs: 6,
        missing: 0,
    }
}

fn ceiling(kept: bool, level: CeilingLevel) -> Ceiling {
    Ceiling {
        resource: Resource::Pids,
        knob: "pids.max".into(),
        limit: 64,
        peak: Some(if kept { 64 } else { 80 }),
        peak_source: "pids.peak".into(),
        counter: Some("pids.events max".into()),
        count: Some(12_345),
        kept,
        level,
        node_peak: Some(90),
        note: String::new(),
    }
}

fn case(control: Option<Control>, verdict: Option<Verdict>) -> Case {
    Case {
        attacker: "forkbomb".into(),
        kind: None,
        command: Vec::new(),
        service: None,
        intensity: 100,
        threads: 1,
        burst: None,
        options: BTreeMap::new(),
        memory: None,
        resource: Resource::Pids,
        stands_for: Vec::new(),
        config: "a-config".into(),
        machine: "host".into(),
        runtime: "native".into(),
        control,
        ablation: None,
        placement: Placement::Apart,
        shared_cpus: None,
        node: NodeSpec::default(),
        disk: None,
        limits: Limits::default(),
        victim_limits: Limits::default(),
        pods: Vec::new(),
        sidecars: Vec::new(),
        verdict: Verdict::Inconclusive,
        reason: String::new(),
        outcome: None,
        expectations: Vec::new(),
        ceiling: None,
        ceilings: Vec::new(),
        cells: vec![cell(Resource::Cpu, Some(Verdict::Degraded)), cell(Resource::Pids, verdict)],
        channels: None,
        blocks: Vec::new(),
        measured_for: None,
        trials: Trials::default(),
        placebo: None,
        attack: Attack::default(),
        log_bytes: None,
        attack_cpu: None,
        oom_kills: OomKills::default(),
        watch: Watch::default(),
        pressure: BTreeMap::new(),
        facts: BTreeMap::new(),
        steps: Vec::new(),
        tear_down: Vec::new(),
        out_of_band_cpu_seconds: None,
        harness_cpu_seconds: 0.0,
        recovery_ms: None,
        residue: Vec::new(),
    }
}

fn judged(control: Option<Control>, verdict: Option<Verdict>) -> Case {
    let mut case = case(control, verdict);
    judge_case(&mut case, CaseContext::default());
    case
}

fn limited(kept: bool, level: CeilingLevel) -> Case {
    let mut case = case(None, Some(Verdict::Contained));
    case.ceiling = Some(ceiling(kept, level));
    case.ceilings = vec![ceiling(kept, level)];
    judge_case(&mut case, CaseContext::default());
    case
}

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

const ANYWHERE: MachineFacts<'static> =
    MachineFacts { cgroup: Some(CgroupMode::V2), kernel: "6.18.0", arch: "x86_64" };

fn expecting(target: Target, words: &[ExpectedWord]) -> Expectation {
    Expectation { target, any_of: words.to_vec(), when: None, position: HERE }
}

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

fn report(cases: Vec<Case>) -> Report {
    Report {
        schema: SCHEMA.into(),
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "contain-test".into(), version: "0".into() },
        run_id: "x".into(),
        seed: 1,
        started_unix_ms: 0,
        duration_ms: 0,
        complete: true,
        warnings: Vec::new(),
        steps: Vec::new(),
        tear_down: Vec::new(),
        machines: Vec::new(),
        scenarios: vec![ScenarioRecord {
            name: "a".into(),
            summary: None,
            file: "a.yaml".into(),
            cases,
        }],
        cleanup: Cleanup { complete: true, failures: Vec::new() },
    }
}

fn code(cases: &[&Case], options: ExitOptions) -> u8 {
    exit_verdict(&report(cases.iter().map(|&case| case.clone()).collect()), options)
}

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
