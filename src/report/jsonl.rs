//! The record as JSON Lines: the run, its machines, its cases without their raw blocks, their ceilings, expectations and cells, each
//! in a line of its own that names what it belongs to.

use serde_json::{Map, Value, json};

use super::json::printable;
use crate::record::{Case, Report, ScenarioRecord};

/// One JSON object a line. `row` says what it is: `run`, `machine`, `case`, `ceiling`, `expectation` or `cell`.
#[must_use]
pub fn render_jsonl(report: &Report) -> String {
    let mut lines = vec![run(report)];
    lines.extend(report.machines.iter().map(|machine| tagged("machine", &[], machine)));
    for scenario in &report.scenarios {
        for case in &scenario.cases {
            lines.extend(case_lines(scenario, case));
        }
    }
    lines.iter().map(|line| printable(&line.to_string()) + "\n").collect()
}

fn run(report: &Report) -> Value {
    let mut run = json!(report);
    if let Some(fields) = run.as_object_mut() {
        for inner in ["machines", "scenarios"] {
            fields.remove(inner);
        }
    }
    tagged("run", &[], &run)
}

fn case_lines(scenario: &ScenarioRecord, case: &Case) -> Vec<Value> {
    let place = [
        ("scenario", json!(scenario.name)),
        ("file", json!(scenario.file)),
        ("config", json!(case.config)),
        ("machine", json!(case.machine)),
        ("runtime", json!(case.runtime)),
        ("attacker", json!(case.attacker)),
    ];
    // Raw blocks make up nearly all of a record and are for judging; the steps repeat what a dry run tells.
    let mut whole = json!(case);
    if let Some(fields) = whole.as_object_mut() {
        for inner in ["blocks", "steps", "cells", "ceiling", "ceilings", "expectations", "placebo"]
        {
            fields.remove(inner);
        }
    }
    let mut lines = vec![tagged("case", &place, &whole)];
    lines.extend(case.ceilings.iter().map(|it| tagged("ceiling", &place, it)));
    lines.extend(case.expectations.iter().map(|it| tagged("expectation", &place, it)));
    lines.extend(case.cells.iter().map(|it| tagged("cell", &place, it)));
    lines
}

/// The fields of a value, behind what it is and where it belongs.
fn tagged(row: &str, place: &[(&str, Value)], value: &impl serde::Serialize) -> Value {
    let mut fields = Map::new();
    fields.insert("row".into(), json!(row));
    fields.extend(place.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    if let Value::Object(own) = json!(value) {
        for (name, value) in own {
            fields.entry(name).or_insert(value);
        }
    }
    Value::Object(fields)
}
