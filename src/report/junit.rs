//! The record as JUnit XML, which the interfaces of continuous integration show. One suite for each scenario; in it
//! one test case for each case, which says whether it ran, and one for each of its expectations, which says whether
//! it was met. It is the same whatever the options of the command were.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::clock::rfc3339;
use super::escape::escaped;
use super::names::case_name;
use super::unmet::unmet_line;
use super::words::expected_of;
use crate::record::{
    Case, Expected, Machine, Report, ScenarioRecord, Verdict, describe_ceiling, describe_cell,
};
use crate::scenario::Control;

/// The record as one XML document, with a newline at the end.
#[must_use]
pub fn render_junit(report: &Report) -> String {
    let mut document = quick_junit::Report::new("contain-test");
    document.set_time(Duration::from_millis(report.duration_ms));
    for scenario in &report.scenarios {
        document.add_test_suite(suite(report, scenario));
    }
    if let Some(run) = troubles(report) {
        document.add_test_suite(run);
    }
    // Every name is a plain string by now and the document is written to memory: only a fault of the library is left.
    let mut text = document.to_string().unwrap_or_else(|error| {
        format!("<testsuites><!-- {} --></testsuites>", error.to_string().replace("--", "- -"))
    });
    text = without_skipped(&text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The outermost element without its count of skipped tests, which the library writes and the schema of Jenkins (`junit-10.xsd`) does
/// not have there; each suite has its own.
fn without_skipped(text: &str) -> String {
    let Some(start) = text.find("<testsuites ") else { return text.to_owned() };
    let end = text[start..].find('>').map_or(text.len(), |end| start + end);
    let Some(from) = text[start..end].find(" skipped=\"") else { return text.to_owned() };
    let from = start + from;
    let rest = &text[from + " skipped=\"".len()..];
    let after = rest.split_once('"').map_or("", |(_, after)| after);
    format!("{}{after}", &text[..from])
}

fn suite(report: &Report, scenario: &ScenarioRecord) -> TestSuite {
    let mut suite = TestSuite::new(clean(&scenario.name));
    suite.timestamp = rfc3339(report.started_unix_ms).parse().ok();
    suite.set_time(scenario.cases.iter().map(took).sum());
    suite.add_property(property("file", &scenario.file));
    suite.add_property(property("seed", &report.seed.to_string()));
    suite.add_property(property("run_id", &report.run_id));
    suite.add_property(property("tool", &format!("{} {}", report.tool.name, report.tool.version)));
    for machine in &report.machines {
        if scenario.cases.iter().any(|case| case.machine == machine.id) {
            suite.add_properties(machine_facts(machine));
        }
    }
    // Interfaces tell test cases apart by their names alone.
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut add = |name: String, status: TestCaseStatus, case: Option<&Case>| {
        let count = names.entry(name.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { name } else { format!("{name} #{count}") };
        let mut test = TestCase::new(clean(&name), status);
        test.set_classname(clean(&scenario.name));
        if let Some(case) = case {
            test.set_time(took(case));
            test.set_system_out(evidence(case));
        }
        suite.add_test_case(test);
    };
    for case in &scenario.cases {
        let name = case_name(scenario, case);
        add(name.clone(), case_status(case), Some(case));
        for expected in &case.expectations {
            let name = format!("{name}: {} {}", expected.target, expected.expected);
            add(name, expectation_status(scenario, case, expected), None);
        }
    }
    suite
}

/// Whether the case ran: what it found is a matter of expectations, but nothing is worth much beside a leaking sham.
fn case_status(case: &Case) -> TestCaseStatus {
    match case.verdict {
        Verdict::Skipped => skipped(&case.reason),
        Verdict::Error => non_success(NonSuccessKind::Error, "error", &case.reason, ""),
        verdict if case.control == Some(Control::Sham) && verdict.leaks() => {
            let message = "the sham leaks: the machine is too noisy to be trusted";
            non_success(NonSuccessKind::Failure, "noisy", message, &case.reason)
        }
        _ => TestCaseStatus::success(),
    }
}

fn expectation_status(scenario: &ScenarioRecord, case: &Case, it: &Expected) -> TestCaseStatus {
    let seen = it.seen.as_deref().unwrap_or("nothing");
    match it.met {
        None => skipped(&case.reason),
        Some(true) => TestCaseStatus::success(),
        Some(false) => {
            let message = format!("expected {}, seen {seen}", expected_of(case, it));
            let line = unmet_line(scenario, case, it);
            let (kind, word) = match seen {
                "inconclusive" => (NonSuccessKind::Failure, "inconclusive"),
                "error" => (NonSuccessKind::Error, "error"),
                _ => (NonSuccessKind::Failure, "unmet"),
            };
            non_success(kind, word, &message, &line)
        }
    }
}

/// A suite for what is wrong with the run as a whole; none when all is well.
fn troubles(report: &Report) -> Option<TestSuite> {
    let mut run = TestSuite::new("contain-test");
    let mut add = |name: &str, message: &str, more: &str| {
        let status = non_success(NonSuccessKind::Error, "error", message, more);
        run.add_test_case(TestCase::new(name, status));
    };
    if !report.complete {
        add("complete", "stopped before the last case", "");
    }
    if !report.cleanup.complete {
        add("cleanup", "clean-up failed", &report.cleanup.failures.join("; "));
    }
    (!run.test_cases.is_empty()).then_some(run)
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(clean(reason));
    status
}

fn non_success(kind: NonSuccessKind, word: &str, message: &str, more: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(clean(message));
    if !more.is_empty() {
        status.set_description(clean(more));
    }
    status
}

/// The verdict, its reason, and every ceiling and cell in a line of its own.
fn evidence(case: &Case) -> String {
    let head = format!("{} ({}): {}: {}", case.config, case.attacker, case.verdict, case.reason);
    let cells = case.cells.iter().map(|cell| {
        let word = cell.verdict.map_or("not judged", Verdict::name);
        format!("{word}: {}", describe_cell(cell))
    });
    let lines: Vec<String> = std::iter::once(head)
        .chain(case.ceilings.iter().map(describe_ceiling))
        .chain(cells)
        .map(|line| clean(&line))
        .collect();
    lines.join("\n")
}

/// From the case's beginning to the end of its last block: what the record knows of its length.
fn took(case: &Case) -> Duration {
    let end_ms = case.blocks.iter().map(|block| block.end_ms).fold(0.0, f64::max);
    Duration::try_from_secs_f64(end_ms / 1e3).unwrap_or_default()
}

fn machine_facts(machine: &Machine) -> Vec<Property> {
    let fact = |name: &str, value: &str| property(&format!("machine.{}.{name}", machine.id), value);
    let mut facts = vec![
        fact("kernel", &machine.kernel),
        fact("arch", &machine.arch),
        fact("cgroup", machine.cgroup.map_or("none", |mode| mode.name())),
        fact("cpus", &machine.cpus.to_string()),
        fact("memory_bytes", &machine.memory_bytes.to_string()),
        fact("swap_bytes", &machine.swap_bytes.to_string()),
    ];
    if let Some(guest) = &machine.guest {
        facts.push(fact("accelerator", guest.accelerator.name()));
        facts.push(fact("host.kernel", &guest.host.kernel));
    }
    facts
}

fn property(name: &str, value: &str) -> Property {
    Property::new(clean(name), clean(value))
}

/// Without what steers a terminal, and without the two characters besides that no XML document may hold.
fn clean(text: &str) -> String {
    escaped(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
