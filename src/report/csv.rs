//! The record as comma-separated values (RFC 4180, with line feeds): one line for each cell, and one for a case without cells.

use super::escape::escaped;
use crate::record::{Case, Ceiling, Cell, Interval, Report, ScenarioRecord, failure_sum};

/// The columns: what the case is, what was concluded of it, what its cell says. Units are in the names.
const COLUMNS: [&str; 52] = [
    "scenario",
    "file",
    "config",
    "attacker",
    "control",
    "machine",
    "runtime",
    "placement",
    "own_resource",
    "case_verdict",
    "outcome",
    "expected",
    "expectations_met",
    "expectations_unmet",
    "ceiling_knob",
    "ceiling_limit",
    "ceiling_peak",
    "ceiling_count",
    "ceiling_kept",
    "ceiling_level",
    "recovery_ms",
    "attack_cpu",
    "resource",
    "probe",
    "cell_verdict",
    "via",
    "attempts",
    "failed",
    "failures",
    "quiet_attempts",
    "quiet_failed",
    "isol_median",
    "isol_low",
    "isol_high",
    "lat_imp_mean_median",
    "lat_imp_mean_low",
    "lat_imp_mean_high",
    "lat_imp_p50_median",
    "lat_imp_p50_low",
    "lat_imp_p50_high",
    "lat_imp_p90_median",
    "lat_imp_p90_low",
    "lat_imp_p90_high",
    "lat_imp_p99_median",
    "lat_imp_p99_low",
    "lat_imp_p99_high",
    "tolerance",
    "latency_pairs",
    "capacity_pairs",
    "missing",
    "faster",
    "reason",
];

/// A header and a line for each cell. What is not known is empty.
#[must_use]
pub fn render_csv(report: &Report) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for scenario in &report.scenarios {
        for case in &scenario.cases {
            if case.cells.is_empty() {
                text.push_str(&line(scenario, case, None));
            }
            for cell in &case.cells {
                text.push_str(&line(scenario, case, Some(cell)));
            }
        }
    }
    text
}

fn line(scenario: &ScenarioRecord, case: &Case, cell: Option<&Cell>) -> String {
    let mut fields = of_case(scenario, case);
    fields.extend(cell.map_or_else(|| vec![String::new(); OF_CELL], of_cell));
    fields.push(text(&case.reason));
    fields.join(",") + "\n"
}

/// Columns that speak of a cell, from `resource` to `faster`.
const OF_CELL: usize = 29;

fn of_case(scenario: &ScenarioRecord, case: &Case) -> Vec<String> {
    let count = |met| case.expectations.iter().filter(|it| it.met == Some(met)).count().to_string();
    let expected: Vec<String> =
        case.expectations.iter().map(|it| format!("{} {}", it.target, it.expected)).collect();
    let mut fields = vec![
        text(&scenario.name),
        text(&scenario.file),
        text(&case.config),
        text(&case.attacker),
        word(&case.control),
        text(&case.machine),
        text(&case.runtime),
        word(&case.placement),
        case.resource.to_string(),
        case.verdict.to_string(),
        word(&case.outcome),
        text(&expected.join("; ")),
        count(true),
        count(false),
    ];
    fields.extend(of_ceiling(case.ceiling.as_ref()));
    fields.extend([number(case.recovery_ms), number(case.attack_cpu)]);
    fields
}

fn of_ceiling(ceiling: Option<&Ceiling>) -> [String; 6] {
    let Some(ceiling) = ceiling else { return std::array::from_fn(|_| String::new()) };
    let whole = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [
        text(&ceiling.knob),
        ceiling.limit.to_string(),
        whole(ceiling.peak),
        whole(ceiling.count),
        ceiling.kept.to_string(),
        word(&ceiling.level),
    ]
}

fn of_cell(cell: &Cell) -> Vec<String> {
    let failures: Vec<String> =
        cell.failures.iter().map(|(errno, count)| format!("{errno}={count}")).collect();
    let mut fields = vec![
        cell.resource.to_string(),
        text(&cell.probe),
        cell.verdict.map_or_else(String::new, |verdict| verdict.to_string()),
        word(&cell.via),
        cell.attempts.to_string(),
        failure_sum(&cell.failures).to_string(),
        text(&failures.join(" ")),
        cell.quiet.attempts.to_string(),
        failure_sum(&cell.quiet.failures).to_string(),
    ];
    let latency = |of: fn(&crate::record::LatencyImpact) -> Interval| cell.lat_imp.as_ref().map(of);
    for interval in [
        cell.isol,
        latency(|it| it.mean),
        latency(|it| it.p50),
        latency(|it| it.p90),
        latency(|it| it.p99),
    ] {
        fields.extend(
            [interval.map(|it| it.median), interval.map(|it| it.low), interval.map(|it| it.high)]
                .map(number),
        );
    }
    fields.extend([
        cell.tolerance.to_string(),
        cell.latency_pairs.to_string(),
        cell.capacity_pairs.to_string(),
        cell.missing.to_string(),
        cell.faster.to_string(),
    ]);
    fields
}

fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}

/// The word that a value of the record has in JSON; empty for null.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Text from outside: in quotes where it must be, and never what a spreadsheet takes for a formula (it begins with an apostrophe
/// then, as spreadsheets mark text themselves).
fn text(value: &str) -> String {
    let value = escaped(value);
    let value = match value.chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{value}"),
        _ => value.into_owned(),
    };
    // A line that begins with a colon or a number sign is a command to some of those that read logs.
    let at_ends = value.starts_with([' ', ':', '#']) || value.ends_with(' ');
    if at_ends || value.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_and_no_formula() {
        for (value, field) in [
            ("pids-64", "pids-64"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("-x", "'-x"),
            ("@a,b", "\"'@a,b\""),
            ("a\nb", "a\\nb"),
        ] {
            assert_eq!(text(value), field);
        }
    }
}
