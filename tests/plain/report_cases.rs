//! The views of a record for people: limits of CPU, attributions, several scenarios and machines, and what comes first.

use contain_test::record::{Beside, Case, Ceiling, CeilingLevel, Report, Verdict};
use contain_test::report::{Format, ViewOptions, render};
use contain_test::scenario::{Control, Placement, Resource};

use crate::fixture::{around, report};

/// A burner of CPU in the place of the held bomb: quota, weight, what it received, and through what the forks were slowed.
fn burner() -> Report {
    let mut report = report();
    let scenario = &mut report.scenarios[0];
    let mut quota = scenario.cases[1].clone();
    quota.placement = Placement::Together;
    quota.attack_cpu = Some(0.5031);
    quota.ceiling = Some(Ceiling {
        resource: Resource::Cpu,
        knob: "cpu.cfs_quota_us".into(),
        limit: 5_000,
        peak: Some(5_049),
        peak_source: "cpu usage".into(),
        counter: Some("cpu.stat nr_throttled".into()),
        count: Some(312),
        kept: true,
        level: CeilingLevel::Sandbox,
        node_peak: None,
        note: String::new(),
    });
    quota.ceilings = quota.ceiling.iter().cloned().collect();
    let forks = &mut quota.cells[2];
    forks.via = Some(Resource::Cpu);
    forks.beside_placebo =
        Some(Beside { isol: Some(around(0.96)), mean: None, p50: Some(around(0.02)) });
    let mut weight = quota.clone();
    (weight.config, weight.attack_cpu) = ("weight-1".into(), Some(0.0161));
    let cell = &mut weight.cells[2];
    (cell.net, cell.beside_placebo) = (cell.beside_placebo.take(), None);
    let ceiling = weight.ceiling.as_mut().expect("cloned with one");
    (ceiling.knob, ceiling.limit) = ("cpu.shares".into(), 2);
    (ceiling.peak, ceiling.counter, ceiling.count) = (None, None, None);
    ceiling.level = CeilingLevel::Inferred;
    weight.ceilings = weight.ceiling.iter().cloned().collect();
    scenario.cases = vec![quota, weight];
    report
}

#[test]
fn cpu_limits_speak_of_cpu_time_and_settings_of_no_peak() {
    let text = render(&burner(), Format::Table, &ViewOptions::default());
    for words in [
        "50m/50m held",
        "312 throttled",
        "503m CPU",
        "16m CPU",
        "cpu.shares 2",
        "in force",
        "contained ×1.03 via cpu",
        "received",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!render(&report(), Format::Table, &ViewOptions::default()).contains("received"));
    let markdown = render(&burner(), Format::Markdown, &ViewOptions::default());
    assert!(markdown.contains("| received | 503m CPU | 16m CPU |"), "{markdown}");
}

#[test]
fn the_numbers_behind_an_attribution_are_shown() {
    let verbose = ViewOptions { verbose: true, ..ViewOptions::default() };
    let text = render(&burner(), Format::Table, &verbose);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "that came through cpu",
        "beside a placebo, which burns as much CPU and does nothing else: median ×1.02 (1.00–1.06), rate ×0.96",
        "net of the wait for a CPU: median ×1.02",
        "cpu.shares 2 was in force",
        "312 throttled periods",
        "the attacker received 0.503 of a CPU",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_is_not_expected_here_says_why() {
    let mut report = report();
    let it = &mut report.scenarios[0].cases[1].expectations[0];
    (it.met, it.seen) = (None, None);
    it.skipped = Some("cgroup is hybrid, not v2".into());
    for format in [Format::Table, Format::Markdown] {
        let text = render(&report, format, &ViewOptions::default());
        let line = "pids-64: contained is not expected here: cgroup is hybrid, not v2";
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn several_scenarios_have_one_summary_first_and_all_summaries_last() {
    let mut report = report();
    let mut other = report.scenarios[0].clone();
    other.name = "other".into();
    other.cases.truncate(1);
    report.scenarios.push(other);
    let all = "5 cases: 1 contained, 1 harmless, 3 denied; 4 of 5 expectations met.\n";
    let quiet = ViewOptions { quiet: true, ..ViewOptions::default() };
    assert_eq!(render(&report, Format::Table, &quiet), all);
    let text = render(&report, Format::Table, &ViewOptions::default());
    assert!(text.starts_with(all), "{text}");
    let last = format!(
        "\npids: 4 cases: 1 contained, 1 harmless, 2 denied; 3 of 4 expectations met.\n\
         other: 1 case: 1 denied; 1 of 1 expectations met.\n\
         all: {all}"
    );
    assert!(text.ends_with(&last), "{text}");
}

#[test]
fn cases_on_several_machines_are_told_apart() {
    let mut report = report();
    let mut guest = report.machines[0].clone();
    guest.id = "vm-5.10".into();
    report.machines.push(guest);
    let cases = &mut report.scenarios[0].cases;
    let again: Vec<Case> =
        cases.iter().map(|case| Case { machine: "vm-5.10".into(), ..case.clone() }).collect();
    cases.extend(again);
    let table = render(&report, Format::Table, &ViewOptions::default());
    assert!(
        table.contains("pids/pids-4096 on host") && table.contains("pids/pids-4096 on vm-5.10"),
        "{table}"
    );
    assert!(table.contains("│ vm-5.10") || table.contains("┆ vm-5.10"), "{table}");
    let view = |format| render(&report, format, &ViewOptions::default());
    assert!(view(Format::Markdown).contains("pids-64<br>vm-5.10"));
    assert!(view(Format::Junit).contains("name=\"pids-64 on vm-5.10\""));
    assert!(view(Format::Github).contains("title=pids/pids-4096 on vm-5.10"));
    assert!(view(Format::Html).contains("pids-4096 on vm-5.10"));
}

#[test]
fn what_is_worst_comes_first() {
    let mut report = report();
    let cases = &mut report.scenarios[0].cases;
    let mut of = |index: usize, config: &str, verdict, control, unmet: bool| {
        let mut case = cases[index].clone();
        (case.config, case.verdict, case.control) = (config.into(), verdict, control);
        case.expectations.retain_mut(|it| {
            it.met = Some(!unmet);
            unmet
        });
        cases.push(case);
    };
    of(1, "unsure", Verdict::Inconclusive, None, false);
    of(2, "tolerated", Verdict::Degraded, None, false);
    of(1, "failed", Verdict::Error, None, false);
    of(1, "absent", Verdict::Skipped, None, false);
    of(2, "lost", Verdict::Lost, None, true);
    of(3, "noisy", Verdict::Degraded, Some(Control::Sham), false);
    let text = render(&report, Format::Table, &ViewOptions::default());
    let order = [
        "Not as expected",
        "pids/lost",
        "pids/pids-4096",
        "Not to be trusted",
        "pids/noisy",
        "pids/failed",
        "Leaks in spite of limits",
        "pids/tolerated",
        "No verdict",
        "pids/unsure",
        "Skipped",
        "pids/absent",
        "Leaks without limits",
        "pids/open",
        "│ verdict",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|word| text.find(word).unwrap_or_else(|| panic!("{word}: {text}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
}
