//! The record in the text format of Prometheus, for the textfile collector of a node exporter
//! (prometheus.io/docs/instrumenting/exposition_formats). Everything is a gauge: it is the state of the last run.

use std::collections::BTreeSet;

use super::escape::escaped;
use crate::record::{Case, Cell, Interval, Report, ScenarioRecord, Verdict};

/// All metrics, each with its help and type.
#[must_use]
pub fn render_prometheus(report: &Report) -> String {
    let mut page = Page::default();
    run_metrics(&mut page, report);
    machine_metrics(&mut page, report);
    case_metrics(&mut page, report);
    ceiling_metrics(&mut page, report);
    cell_metrics(&mut page, report);
    page.text
}

/// Labels of a sample, by name and value.
type Labels = Vec<(&'static str, String)>;

#[derive(Default)]
struct Page {
    text: String,
    seen: BTreeSet<String>,
}

impl Page {
    /// One metric with all its samples; nothing at all without any, for a name must not come without one.
    fn gauge(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, f64)>) {
        let mut head =
            Some(format!("# HELP contain_test_{name} {help}\n# TYPE contain_test_{name} gauge\n"));
        for (labels, value) in samples {
            let mut series = format!("contain_test_{name}{}", written(&labels));
            // The same series twice would make the whole page invalid; a record from elsewhere may hold the same case twice.
            for again in 2_u32.. {
                if self.seen.insert(series.clone()) {
                    break;
                }
                let mut more = labels.clone();
                more.push(("again", again.to_string()));
                series = format!("contain_test_{name}{}", written(&more));
            }
            self.text.push_str(&head.take().unwrap_or_default());
            self.text.push_str(&format!("{series} {}\n", number(value)));
        }
    }
}

fn run_metrics(page: &mut Page, report: &Report) {
    let one = |value| [(Labels::new(), value)];
    let info = vec![
        ("version", report.tool.version.clone()),
        ("run_id", report.run_id.clone()),
        ("seed", report.seed.to_string()),
    ];
    page.gauge("info", "The program and the run that these numbers are of.", [(info, 1.0)]);
    page.gauge(
        "run_start_time_seconds",
        "When the run began, in seconds since the Unix epoch.",
        one(float(report.started_unix_ms) / 1e3),
    );
    page.gauge(
        "run_duration_seconds",
        "How long the run took.",
        one(float(report.duration_ms) / 1e3),
    );
    page.gauge(
        "run_complete",
        "1 when the run went through to its last case.",
        one(flag(report.complete)),
    );
    page.gauge(
        "cleanup_complete",
        "1 when everything that the run made is gone.",
        one(flag(report.cleanup.complete)),
    );
    let expectations = |met: Option<bool>| {
        let cases = report.scenarios.iter().flat_map(|scenario| &scenario.cases);
        cases.flat_map(|case| &case.expectations).filter(move |it| it.met == met).count()
    };
    let results = [("met", Some(true)), ("unmet", Some(false)), ("skipped", None)];
    page.gauge(
        "expectations",
        "Expectations by whether they were met.",
        results.map(|(word, met)| (vec![("result", word.to_owned())], count(expectations(met)))),
    );
    page.gauge(
        "cases",
        "Cases by verdict.",
        VERDICTS.map(|verdict| {
            let cases = report.scenarios.iter().flat_map(|scenario| &scenario.cases);
            let of_it = cases.filter(|case| case.verdict == verdict).count();
            (vec![("verdict", verdict.name().to_owned())], count(of_it))
        }),
    );
}

/// All verdicts, so that a series does not vanish when its count falls to 0.
const VERDICTS: [Verdict; 13] = [
    Verdict::Contained,
    Verdict::Harmless,
    Verdict::Vacuous,
    Verdict::Degraded,
    Verdict::Denied,
    Verdict::Breached,
    Verdict::Lost,
    Verdict::Hidden,
    Verdict::Visible,
    Verdict::Reachable,
    Verdict::Inconclusive,
    Verdict::Skipped,
    Verdict::Error,
];

fn machine_metrics(page: &mut Page, report: &Report) {
    let machines = || report.machines.iter();
    let of = |machine: &crate::record::Machine| vec![("machine", machine.id.clone())];
    page.gauge(
        "machine_info",
        "The kernels that cases ran on.",
        machines().map(|machine| {
            let mut labels = of(machine);
            labels.push(("kernel", machine.kernel.clone()));
            labels.push(("arch", machine.arch.clone()));
            labels.push(("cgroup", machine.cgroup.map_or("none", |mode| mode.name()).to_owned()));
            (labels, 1.0)
        }),
    );
    page.gauge(
        "machine_cpus",
        "CPUs that are online.",
        machines().map(|it| (of(it), f64::from(it.cpus))),
    );
    page.gauge(
        "machine_memory_bytes",
        "Memory in all.",
        machines().map(|it| (of(it), float(it.memory_bytes))),
    );
}

fn all_cases(report: &Report) -> impl Iterator<Item = (&ScenarioRecord, &Case)> {
    report
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.cases.iter().map(move |case| (scenario, case)))
}

/// What tells a case from all others.
fn place(scenario: &ScenarioRecord, case: &Case) -> Labels {
    vec![
        ("scenario", scenario.name.clone()),
        ("config", case.config.clone()),
        ("machine", case.machine.clone()),
        ("runtime", case.runtime.clone()),
    ]
}

fn with(mut labels: Labels, more: impl IntoIterator<Item = (&'static str, String)>) -> Labels {
    labels.extend(more);
    labels
}

fn case_metrics(page: &mut Page, report: &Report) {
    page.gauge(
        "case_verdict",
        "The verdict of each case, as a label; always 1.",
        all_cases(report).map(|(scenario, case)| {
            let more = [
                ("attacker", case.attacker.clone()),
                ("resource", case.resource.to_string()),
                ("verdict", case.verdict.to_string()),
            ];
            (with(place(scenario, case), more), 1.0)
        }),
    );
    page.gauge(
        "case_leaks",
        "1 when the case leaks: breached, degraded, denied or lost.",
        all_cases(report)
            .map(|(scenario, case)| (place(scenario, case), flag(case.verdict.leaks()))),
    );
    page.gauge(
        "expectation_met",
        "1 when an expectation of the scenario was met, 0 when not.",
        all_cases(report).flat_map(|(scenario, case)| {
            case.expectations.iter().filter_map(move |it| {
                let more = [("target", it.target.clone()), ("expected", it.expected.clone())];
                Some((with(place(scenario, case), more), flag(it.met?)))
            })
        }),
    );
    page.gauge(
        "case_recovery_seconds",
        "From the end of the attack to the victim's first clean stretch.",
        all_cases(report)
            .filter_map(|(scenario, case)| Some((place(scenario, case), case.recovery_ms? / 1e3))),
    );
}

fn ceiling_metrics(page: &mut Page, report: &Report) {
    let mut all = Vec::new();
    for (scenario, case) in all_cases(report) {
        for it in &case.ceilings {
            let more = [("knob", it.knob.clone()), ("resource", it.resource.to_string())];
            all.push((with(place(scenario, case), more), it));
        }
    }
    let mut gauge = |name: &str, help: &str, of: fn(&crate::record::Ceiling) -> Option<f64>| {
        let samples = all.iter().filter_map(|(labels, it)| Some((labels.clone(), of(it)?)));
        page.gauge(name, help, samples.collect::<Vec<_>>());
    };
    gauge("ceiling_kept", "1 when the limit held.", |it| Some(flag(it.kept)));
    gauge("ceiling_limit", "The limit, in the unit of its knob.", |it| Some(float(it.limit)));
    gauge("ceiling_peak", "The highest usage, in the unit of the knob.", |it| it.peak.map(float));
    gauge(
        "ceiling_refusals",
        "How often the kernel's counter says that the limit refused or throttled.",
        |it| it.count.map(float),
    );
}

fn cell_metrics(page: &mut Page, report: &Report) {
    let mut cells: Vec<(Labels, &Cell)> = Vec::new();
    for (scenario, case) in all_cases(report) {
        for cell in &case.cells {
            let more = [("resource", cell.resource.to_string()), ("probe", cell.probe.clone())];
            cells.push((with(place(scenario, case), more), cell));
        }
    }
    let judged = cells.iter().filter_map(|(labels, cell)| {
        let mut more = vec![("verdict", cell.verdict?.to_string())];
        more.extend(cell.via.map(|via| ("via", via.to_string())));
        Some((with(labels.clone(), more), 1.0))
    });
    page.gauge(
        "cell_verdict",
        "The verdict of each cell that was judged, as a label; always 1.",
        judged.collect::<Vec<_>>(),
    );
    let operations = cells.iter().flat_map(|(labels, cell)| {
        [("on", cell.attempts), ("off", cell.quiet.attempts)].map(|(state, attempts)| {
            (with(labels.clone(), [("attack", state.to_owned())]), float(attempts))
        })
    });
    page.gauge(
        "cell_operations",
        "Operations of the victim with the attack on and off.",
        operations.collect::<Vec<_>>(),
    );
    let failures = cells.iter().flat_map(|(labels, cell)| {
        [("on", &cell.failures), ("off", &cell.quiet.failures)].into_iter().flat_map(
            move |(state, failures)| {
                failures.iter().map(move |(errno, &count)| {
                    let more = [("attack", state.to_owned()), ("errno", errno.clone())];
                    (with(labels.clone(), more), float(count))
                })
            },
        )
    });
    page.gauge(
        "cell_failed_operations",
        "Operations of the victim that failed, by error.",
        failures.collect::<Vec<_>>(),
    );
    let rates = cells.iter().filter_map(|(labels, cell)| Some(bounds(labels, cell.isol?)));
    page.gauge(
        "cell_isolation_ratio",
        "Rate under attack as a part of the quiet rate, at most 1, with its interval.",
        rates.flatten().collect::<Vec<_>>(),
    );
    let impacts = cells.iter().filter_map(|(labels, cell)| {
        let impact = cell.lat_imp?;
        let metrics =
            [("mean", impact.mean), ("p50", impact.p50), ("p90", impact.p90), ("p99", impact.p99)];
        Some(metrics.into_iter().flat_map(move |(metric, interval)| {
            bounds(&with(labels.clone(), [("metric", metric.to_owned())]), interval)
        }))
    });
    page.gauge("cell_latency_impact_ratio", "How much longer an operation took under attack, as a part of the quiet latency, with its interval.", impacts.flatten().collect::<Vec<_>>());
    let tolerances = cells.iter().map(|(labels, cell)| (labels.clone(), cell.tolerance));
    page.gauge(
        "cell_tolerance_ratio",
        "How much slower is still no leak.",
        tolerances.collect::<Vec<_>>(),
    );
}

/// A median and the ends of its interval.
fn bounds(labels: &Labels, interval: Interval) -> [(Labels, f64); 3] {
    [("median", interval.median), ("low", interval.low), ("high", interval.high)]
        .map(|(bound, value)| (with(labels.clone(), [("bound", bound.to_owned())]), value))
}

fn written(labels: &Labels) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A label's value: backslashes and quotes are escaped; line feeds are written out already.
fn label(value: &str) -> String {
    escaped(value).replace('\\', "\\\\").replace('"', "\\\"")
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".into(),
        value if value == f64::INFINITY => "+Inf".into(),
        value if value == f64::NEG_INFINITY => "-Inf".into(),
        value => value.to_string(),
    }
}

const fn flag(it: bool) -> f64 {
    if it { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "the format has floats alone")]
const fn float(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
const fn count(value: usize) -> f64 {
    value as f64
}
