//! The record as SARIF 2.1.0, for code scanning (docs.oasis-open.org/sarif/sarif/v2.1.0): a result for each unmet expectation, at its
//! place in the scenario file, and notifications for what is wrong with the run itself.

use serde_json::{Value, json};

use super::clock::rfc3339;
use super::escape::escaped;
use super::json::printable;
use super::repeat;
use super::summary::spoilt;
use super::unmet::{because, is_inconclusive, unmet_message, unmet_of};
use crate::glossary::{Kind, meaning};
use crate::record::{Case, Expected, Report, ScenarioRecord, Verdict};

/// Where the official schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The rules: what was seen in the place of what is expected. Facts have one of their own.
const RULES: [Verdict; 12] = [
    Verdict::Contained,
    Verdict::Breached,
    Verdict::Degraded,
    Verdict::Denied,
    Verdict::Lost,
    Verdict::Harmless,
    Verdict::Vacuous,
    Verdict::Hidden,
    Verdict::Visible,
    Verdict::Reachable,
    Verdict::Inconclusive,
    Verdict::Error,
];

/// The rule of facts, and of resources that nobody judged.
const FACT: &str = "fact";

/// One SARIF log with one run.
#[must_use]
pub fn render_sarif(report: &Report) -> String {
    let mut results = Vec::new();
    for scenario in &report.scenarios {
        for case in &scenario.cases {
            results.extend(unmet_of(case).map(|it| result(scenario, case, it)));
        }
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver(report) },
            "invocations": [invocation(report)],
            // Columns are counted in characters, as the reader of scenarios counts them.
            "columnKind": "unicodeCodePoints",
            "automationDetails": { "id": format!("contain-test/{}", report.run_id) },
            "results": results,
            "properties": {
                "seed": report.seed,
                "machines": report.machines.iter().map(|machine| json!({
                    "id": machine.id, "kernel": machine.kernel, "arch": machine.arch,
                    "cgroup": machine.cgroup, "cpus": machine.cpus, "memory_bytes": machine.memory_bytes,
                })).collect::<Vec<_>>(),
            },
        }],
    });
    // Made of strings, numbers and lists: it always serialises.
    let text = serde_json::to_string_pretty(&log).unwrap_or_default();
    printable(&text) + "\n"
}

fn driver(report: &Report) -> Value {
    let mut rules: Vec<Value> = RULES
        .iter()
        .map(|verdict| rule(verdict.name(), meaning(Kind::Verdict, verdict.name())))
        .collect();
    rules.push(rule(
        FACT,
        "a fact of the sandbox is another than the scenario asserts, or nothing was judged",
    ));
    json!({
        "name": "contain-test",
        "version": report.tool.version,
        "semanticVersion": report.tool.version,
        "informationUri": "https://github.com/contain-test/contain-test",
        "rules": rules,
    })
}

fn rule(id: &str, meaning: &str) -> Value {
    json!({
        "id": id,
        "name": format!("Seen{}{}", id[..1].to_uppercase(), &id[1..]),
        "shortDescription": { "text": format!("Not as expected, seen: {id}") },
        "fullDescription": { "text": format!("The scenario expects something else. {id}: {meaning}.") },
        "help": { "text": format!("`contain-test explain {}` says what the word means; the HTML report shows the measurements.", if id == FACT { "inside.pid" } else { id }) },
    })
}

fn result(scenario: &ScenarioRecord, case: &Case, it: &Expected) -> Value {
    let seen = it.seen.as_deref().unwrap_or_default();
    let known = RULES.iter().position(|rule| rule.name() == seen);
    let message = format!("{}{}", unmet_message(case, it), because(case, it));
    json!({
        "ruleId": known.map_or(FACT, |index| RULES[index].name()),
        "ruleIndex": known.unwrap_or(RULES.len()),
        "kind": "fail",
        "level": if is_inconclusive(it) { "warning" } else { "error" },
        "message": { "text": escaped(&message) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": location(&scenario.file),
                "region": { "startLine": it.line.max(1), "startColumn": it.column.max(1) },
            },
            "logicalLocations": [{ "fullyQualifiedName": escaped(&format!("{}/{}", scenario.name, case.config)) }],
        }],
        // The same expectation keeps its name when lines move.
        "partialFingerprints": {
            "expectation/v1": escaped(&format!("{}/{}/{}/{}/{}/{}", scenario.name, case.config, case.machine, case.runtime, it.target, it.expected)),
        },
    })
}

/// A path relative to the root of the sources stays so; an absolute one is a URI of its own.
fn location(file: &str) -> Value {
    match file.strip_prefix('/') {
        Some(rest) => json!({ "uri": format!("file:///{}", percent_encoded(rest)) }),
        None => {
            let file = file.strip_prefix("./").unwrap_or(file);
            json!({ "uri": percent_encoded(file), "uriBaseId": "%SRCROOT%" })
        }
    }
}

/// Unreserved characters of RFC 3986, and the slash, as they are.
fn percent_encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for &byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn invocation(report: &Report) -> Value {
    let mut notes: Vec<Value> = Vec::new();
    for scenario in &report.scenarios {
        for case in scenario.cases.iter().filter(|case| case.verdict == Verdict::Error) {
            let text = format!("{}/{}: {}", scenario.name, case.config, case.reason);
            notes.push(json!({ "level": "error", "message": { "text": escaped(&text) } }));
        }
    }
    notes.extend(
        spoilt(report).map(|why| json!({ "level": "warning", "message": { "text": why } })),
    );
    let end = report.started_unix_ms.saturating_add(report.duration_ms);
    json!({
        "executionSuccessful": report.complete && report.cleanup.complete,
        "commandLine": escaped(&repeat::command(report)),
        "startTimeUtc": rfc3339(report.started_unix_ms),
        "endTimeUtc": rfc3339(end),
        "toolExecutionNotifications": notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(location("scenarios/a b.yaml")["uri"], "scenarios/a%20b.yaml");
        assert_eq!(location("./x.yaml")["uriBaseId"], "%SRCROOT%");
        assert_eq!(location("/tmp/é.yaml")["uri"], "file:///tmp/%C3%A9.yaml");
        assert_eq!(location("a:b%\n")["uri"], "a%3Ab%25%0A");
    }
}
