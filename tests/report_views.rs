//! The views of a record, from a record made by hand.

use std::collections::BTreeMap;

use contain_test::analyze::{
    CaseContext, ExitOptions, apply_open, exit_verdict, judge_case, judge_expectations,
};
use contain_test::record::{
    Attack, Case, Ceiling, CeilingLevel, Cell, CellKind, CgroupMode, Cleanup, Interval,
    LatencyImpact, Machine, MachineKind, QuietSample, Report, SCHEMA, SCHEMA_VERSION,
    ScenarioRecord, Tool, Verdict, Watch,
};
use contain_test::report::{Format, ReadError, ViewOptions, from_json, render, to_json};
use contain_test::scenario::{
    Assertion, Control, Expectation, ExpectedWord, FactName, FactValue, Limits, MachineFacts,
    NodeSpec, Placement, Position, Resource, Target, Trials,
};

const EAGAIN: &str = "EAGAIN";

fn around(median: f64) -> Interval {
    Interval { median, low: (median - 0.03).max(0.0), high: median + 0.04 }
}

fn cell(probe: &str, verdict: Option<Verdict>, slower: f64, rate: Option<f64>) -> Cell {
    let resource = contain_test::analyze::resource_of_probe(probe).unwrap();
    let latency = around(slower);
    Cell {
        resource,
        probe: probe.into(),
        kind: CellKind::Interference,
        verdict,
        via: None,
        attempts: 490,
        failures: BTreeMap::new(),
        quiet: QuietSample { attempts: 490, failures: BTreeMap::new() },
        isol: rate.map(around),
        lat_imp: Some(LatencyImpact { mean: latency, p50: latency, p90: latency, p99: latency }),
        lat_growth_ns: None,
        lat_floor_ns: 5_000.0,
        net: None,
        beside_placebo: None,
        faster: false,
        tolerance: contain_test::analyze::tolerance_of(resource),
        latency_pairs: 10,
        capacity_pairs: if rate.is_some() { 6 } else { 0 },
        missing: 0,
    }
}

fn case(config: &str, control: Option<Control>, pids: Cell, limit: Option<u64>) -> Case {
    let ceiling = limit.map(|limit| Ceiling {
        resource: Resource::Pids,
        knob: "pids.max".into(),
        limit,
        peak: Some(limit),
        peak_source: "pids.peak".into(),
        counter: Some("pids.events max".into()),
        count: Some(12_345),
        kept: true,
        level: CeilingLevel::Sandbox,
        node_peak: Some(80),
        note: "counts the sandbox's init and the supervisor too".into(),
    });
    Case {
        attacker: if control == Some(Control::Sham) { "sleep" } else { "forkbomb" }.into(),
        intensity: 100,
        threads: 1,
        burst: None,
        resource: Resource::Pids,
        stands_for: Vec::new(),
        config: config.into(),
        machine: "host".into(),
        runtime: "native".into(),
        control,
        placement: Placement::Apart,
        node: NodeSpec::default(),
        limits: Limits { pids: limit, ..Limits::default() },
        victim_limits: Limits::default(),
        verdict: Verdict::Inconclusive,
        reason: String::new(),
        outcome: None,
        expectations: Vec::new(),
        ceilings: ceiling.iter().cloned().collect(),
        ceiling,
        cells: vec![cell("cpu/work", None, 0.0, None), cell("memory/touch", None, 0.3, None), pids],
        blocks: Vec::new(),
        measured_for: None,
        trials: Trials::default(),
        placebo: None,
        attack: Attack::default(),
        watch: Watch::default(),
        facts: BTreeMap::from([(FactName::InsidePid, FactValue::Number(1))]),
        steps: Vec::new(),
        out_of_band_cpu_seconds: Some(0.125),
        harness_cpu_seconds: 0.4,
        recovery_ms: Some(50.0),
        residue: Vec::new(),
    }
}

fn fork(verdict: Verdict) -> Cell {
    let mut fork = cell("pids/fork", Some(verdict), 0.02, Some(0.97));
    if verdict == Verdict::Denied {
        fork.attempts = 512;
        fork.failures = BTreeMap::from([(EAGAIN.to_owned(), 512)]);
        (fork.isol, fork.lat_imp, fork.latency_pairs, fork.capacity_pairs) = (None, None, 0, 0);
    }
    fork
}

fn expect(word: ExpectedWord, line: u64) -> Expectation {
    Expectation {
        target: Target::Own,
        any_of: vec![word],
        when: None,
        position: Position { line, column: 13 },
    }
}

const ANYWHERE: MachineFacts<'static> =
    MachineFacts { cgroup: None, kernel: "6.18.0", arch: "x86_64" };

fn report() -> Report {
    let mut sham = case("sham", Some(Control::Sham), fork(Verdict::Contained), None);
    let mut open = case("open", Some(Control::Open), fork(Verdict::Denied), None);
    let mut held = case("pids-64", None, fork(Verdict::Contained), Some(64));
    let mut leaky = case("pids-4096", None, fork(Verdict::Denied), Some(4096));
    if let Some(ceiling) = leaky.ceiling.as_mut() {
        (ceiling.peak, ceiling.level) = (Some(508), CeilingLevel::Node);
    }
    for case in [&mut sham, &mut open, &mut held, &mut leaky] {
        judge_case(case, CaseContext::default());
    }
    apply_open(&mut held, Some(&open));
    apply_open(&mut leaky, Some(&open));
    judge_expectations(&mut open, &[expect(ExpectedWord::Leaks, 9)], &[], &ANYWHERE);
    let pid_one = Assertion {
        fact: FactName::InsidePid,
        equals: true,
        value: FactValue::Number(1),
        text: "inside.pid == 1".into(),
        position: Position { line: 14, column: 13 },
    };
    judge_expectations(&mut held, &[expect(ExpectedWord::Contained, 12)], &[pid_one], &ANYWHERE);
    judge_expectations(&mut leaky, &[expect(ExpectedWord::Contained, 17)], &[], &ANYWHERE);
    Report {
        schema: SCHEMA.into(),
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "contain-test".into(), version: "0.1.0".into() },
        run_id: "k3v9".into(),
        seed: 42,
        started_unix_ms: 1_700_000_000_000,
        duration_ms: 21_000,
        complete: true,
        machines: vec![Machine {
            id: "host".into(),
            kind: MachineKind::Host,
            kernel: "6.18.0".into(),
            arch: "x86_64".into(),
            cgroup: Some(CgroupMode::Hybrid),
            controllers: vec!["pids".into()],
            cpus: 2,
            memory_bytes: 4 << 30,
            swap_bytes: 0,
            uid: 0,
            capabilities: Vec::new(),
            psi: true,
            requirements: Vec::new(),
        }],
        scenarios: vec![ScenarioRecord {
            name: "pids".into(),
            summary: Some("A fork bomb must not take process IDs from its neighbour.".into()),
            file: "scenarios/pids.yaml".into(),
            cases: vec![open, held, leaky, sham],
        }],
        cleanup: Cleanup { complete: true, failures: Vec::new() },
    }
}

const GOLDEN: &str = "\
pids: A fork bomb must not take process IDs from its neighbour.
host: kernel 6.18.0, x86_64, cgroup v1+v2 (hybrid), 2 CPUs, 4096 MiB
┌──────────┬─────────────────┬────────────────────┬─────────────────┬────────────────────┐
│          ┆ sham            ┆ open               ┆ pids-64         ┆ pids-4096          │
╞══════════╪═════════════════╪════════════════════╪═════════════════╪════════════════════╡
│ cpu      ┆ ×1.00           ┆ ×1.00              ┆ ×1.00           ┆ ×1.00              │
│ memory   ┆ ×1.30           ┆ ×1.30              ┆ ×1.30           ┆ ×1.30              │
│ pids     ┆ contained ×1.03 ┆ denied 100% EAGAIN ┆ contained ×1.03 ┆ denied 100% EAGAIN │
│ ceiling  ┆ –               ┆ –                  ┆ 64/64 held      ┆ 508/4096 node full │
│          ┆                 ┆                    ┆ 12k refused     ┆ 12k refused        │
│ verdict  ┆ harmless        ┆ denied             ┆ contained       ┆ denied             │
│ expected ┆ –               ┆ ✓ leaks            ┆ ✓ contained     ┆ ✗ contained        │
│          ┆                 ┆                    ┆ ✓ inside.pid 1  ┆                    │
└──────────┴─────────────────┴────────────────────┴─────────────────┴────────────────────┘
×N: took N times as long under attack; +N µs: longer, but too little for a leak; no word: not judged
scenarios/pids.yaml:17:13: expected contained, seen denied (pids-4096): \
pids.max 4096 was not what stopped it, the node's capacity was: peak 508, 12,345 refusals; \
pids/fork failed 512 of 512 times with EAGAIN under attack, 0 of 490 when quiet.

4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.
";

#[test]
fn the_table_is_the_golden_one() {
    let text = render(&report(), Format::Table, &ViewOptions::default());
    assert_eq!(text, GOLDEN, "\n{text}");
}

const MARKDOWN: &str = "\
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

4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.
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
    assert_eq!((parsed.tests, parsed.failures, parsed.errors, parsed.skipped), (15, 2, 1, 3));
    let suite = &parsed.test_suites[0];
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

#[test]
fn no_line_of_a_table_is_wider_than_the_terminal() {
    let mut report = report();
    let held = report.scenarios[0].cases[1].clone();
    for index in 0..12 {
        let config = format!("pids-{index}-with-quite-a-long-name-of-its-own-そして広い文字");
        report.scenarios[0].cases.push(Case { config, ..held.clone() });
    }
    for width in [0, 60, 80, 100, 500] {
        let text = render(&report, Format::Table, &ViewOptions { width, ..ViewOptions::default() });
        let mut tables = 0;
        for line in text.lines().filter(|line| line.starts_with(['┌', '│', '╞', '└'])) {
            // Wide characters are fewer than columns: the borders are measured exactly, the rest from below.
            assert!(line.chars().count() <= width.clamp(60, 100), "{width}: {line}");
            tables += usize::from(line.starts_with('┌'));
        }
        assert!(tables > 1, "split into several tables at {width}");
        assert_eq!(text.matches("with-quite").count(), 12, "no config is lost");
    }
}

#[test]
fn plain_text_has_no_escape_codes_and_colour_adds_nothing_else() {
    let report = report();
    for verbose in [false, true] {
        let plain = ViewOptions { verbose, ..ViewOptions::default() };
        let plain = render(&report, Format::Table, &plain);
        assert!(!plain.contains('\u{1b}'));
        assert!(
            !plain.chars().any(|it| ('\u{2060}'..='\u{2064}').contains(&it)),
            "no mark is left"
        );
        let color = ViewOptions { color: true, verbose, ..ViewOptions::default() };
        let mut color = render(&report, Format::Table, &color);
        assert!(color.contains("\u{1b}[31m") && color.contains("\u{1b}[32m"));
        for code in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[2m", "\u{1b}[0m"] {
            color = color.replace(code, "");
        }
        assert_eq!(color, plain);
    }
}

#[test]
fn quiet_is_one_line_and_verbose_has_the_intervals() {
    let report = report();
    let quiet = ViewOptions { quiet: true, ..ViewOptions::default() };
    assert_eq!(
        render(&report, Format::Table, &quiet),
        "4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.\n"
    );
    let verbose = ViewOptions { verbose: true, ..ViewOptions::default() };
    let verbose = render(&report, Format::Table, &verbose);
    assert!(verbose.contains("median ×1.02 (1.00–1.06)"), "{verbose}");
    assert!(verbose.contains("pids.max 64 held: peak 64, 12,345 refusals (counts"), "{verbose}");
}

#[test]
fn text_from_files_cannot_steer_the_terminal() {
    let mut report = report();
    let evil = "x\u{1b}[2J\u{9b}31m\r\n\u{202e}\u{2062}";
    let scenario = &mut report.scenarios[0];
    (scenario.name, scenario.file) = (evil.into(), evil.into());
    scenario.summary = Some(evil.into());
    for case in &mut scenario.cases {
        case.config = evil.into();
        case.attacker.push_str(evil);
        case.reason = evil.into();
        case.residue = vec![evil.into()];
        for it in &mut case.expectations {
            (it.met, it.seen) = (Some(false), Some(evil.into()));
            (it.expected, it.target) = (evil.into(), evil.into());
        }
        for cell in &mut case.cells {
            cell.failures = BTreeMap::from([(evil.into(), 3)]);
            cell.probe.push_str(evil);
        }
        for ceiling in case.ceilings.iter_mut().chain(&mut case.ceiling) {
            (ceiling.knob, ceiling.note) = (evil.into(), evil.into());
        }
    }
    report.machines[0].kernel = evil.into();
    report.cleanup = Cleanup { complete: false, failures: vec![evil.into()] };
    for format in Format::ALL {
        let options = ViewOptions { verbose: true, ..ViewOptions::default() };
        let text = render(&report, format, &options);
        let bad =
            |it: char| (it.is_control() && it != '\n') || ('\u{2028}'..='\u{206f}').contains(&it);
        assert_eq!(text.chars().find(|&it| bad(it)), None, "{format:?}");
    }
    assert_eq!(from_json(&to_json(&report)).unwrap(), report);
}

#[test]
fn json_comes_back_as_it_was() {
    let report = report();
    let text = render(&report, Format::Json, &ViewOptions::default());
    assert_eq!(from_json(&text).unwrap(), report);
    assert!(text.ends_with("}\n"));
    let other = text.replace("contain-test/report", "something/else");
    assert!(matches!(from_json(&other), Err(ReadError::Schema { .. })));
    let newer = text.replace("\"schema_version\": 1", "\"schema_version\": 99");
    assert!(matches!(from_json(&newer), Err(ReadError::Version { found: 99 })));
    assert!(matches!(from_json("{"), Err(ReadError::Json(_))));
}

#[test]
fn an_empty_report_can_be_shown() {
    let empty = Report { machines: Vec::new(), scenarios: Vec::new(), ..report() };
    let text = render(&empty, Format::Table, &ViewOptions::default());
    assert_eq!(text, "0 cases; nothing was expected.\n");
    let none = ScenarioRecord { cases: Vec::new(), ..report().scenarios[0].clone() };
    let text =
        render(&Report { scenarios: vec![none], ..empty }, Format::Table, &ViewOptions::default());
    assert!(text.starts_with("pids: A fork bomb"));
}

#[test]
fn this_record_stands_for_an_unmet_expectation() {
    assert_eq!(exit_verdict(&report(), ExitOptions::default()), 1);
}
