//! Cases and cells made by hand.

use std::collections::BTreeMap;

use contain_test::analyze::{CaseContext, ExitOptions, exit_verdict, judge_case};
use contain_test::record::{
    Attack, Case, Ceiling, CeilingLevel, Cell, CellKind, Cleanup, Interval, OomKills, QuietSample,
    Report, SCHEMA, SCHEMA_VERSION, ScenarioRecord, Tool, Verdict, Watch,
};
use contain_test::scenario::{
    CgroupMode, Control, Expectation, ExpectedWord, Limits, MachineFacts, NodeSpec, Placement,
    Position, Resource, Target, Trials,
};

pub(super) const HERE: Position = Position { line: 3, column: 5 };

pub(super) fn cell(resource: Resource, verdict: Option<Verdict>) -> Cell {
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

pub(super) fn ceiling(kept: bool, level: CeilingLevel) -> Ceiling {
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

pub(super) fn case(control: Option<Control>, verdict: Option<Verdict>) -> Case {
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

pub(super) fn judged(control: Option<Control>, verdict: Option<Verdict>) -> Case {
    let mut case = case(control, verdict);
    judge_case(&mut case, CaseContext::default());
    case
}

pub(super) fn limited(kept: bool, level: CeilingLevel) -> Case {
    let mut case = case(None, Some(Verdict::Contained));
    case.ceiling = Some(ceiling(kept, level));
    case.ceilings = vec![ceiling(kept, level)];
    judge_case(&mut case, CaseContext::default());
    case
}

pub(super) const ANYWHERE: MachineFacts<'static> = MachineFacts {
    cgroup: Some(CgroupMode::V2),
    kernel: "6.18.0",
    arch: "x86_64",
    emulated: false,
};

pub(super) fn expecting(target: Target, words: &[ExpectedWord]) -> Expectation {
    Expectation { target, any_of: words.to_vec(), when: None, position: HERE }
}

pub(super) fn report(cases: Vec<Case>) -> Report {
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

pub(super) fn code(cases: &[&Case], options: ExitOptions) -> u8 {
    exit_verdict(&report(cases.iter().map(|&case| case.clone()).collect()), options)
}
