//! The published schemas: what the program prints is what is checked in, what is shipped and recorded is valid by them, and what
//! the reader refuses for its shape they refuse too.
//!
//! After a deliberate change of a format, `UPDATE_EXPECT=1 cargo test --test plain schema` writes the files anew.

use std::fs;
use std::path::{Path, PathBuf};

use command::run;
use contain_test::record::record_schema;
use contain_test::report::to_json;
use contain_test::scenario::{parse, scenario_data, scenario_schema, shipped};
use jsonschema::Validator;
use serde_json::Value;

use crate::command;
use crate::fixture;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("a schema of its draft")
}

fn errors(validator: &Validator, value: &Value) -> String {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}\n", error.instance_path()))
        .collect()
}

fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .expect(folder)
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == end))
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_printed_is_what_is_checked_in() {
    for (name, schema) in [("scenario", scenario_schema()), ("record", record_schema())] {
        let answer = run(&["schema", name]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
        let printed: Value = serde_json::from_str(&answer.stdout).expect("JSON");
        assert_eq!(printed, schema);
        let path = root().join(format!("reports/schema/{name}-v1.json"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, &answer.stdout).expect("a file");
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            answer.stdout,
            "{}",
            path.display()
        );
    }
}

#[test]
fn shipped_scenarios_and_examples_are_valid() {
    let validator = validator(&scenario_schema());
    let mut all: Vec<(String, String)> =
        shipped().iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for path in files("tests/scenarios", "yaml").into_iter().chain(files("tests/vm", "yaml")) {
        all.push((path.display().to_string(), fs::read_to_string(&path).expect("a file")));
    }
    for (name, text) in all {
        let value = scenario_data(&text).unwrap_or_else(|| panic!("{name}: no YAML"));
        assert_eq!(errors(&validator, &value), "", "{name}");
    }
}

#[test]
fn whatever_the_schema_takes_of_the_broken_files_only_the_reader_can_know() {
    let validator = validator(&scenario_schema());
    let mut taken = Vec::new();
    for path in files("tests/broken", "yaml") {
        let text = fs::read_to_string(&path).expect("a file");
        let Some(value) = scenario_data(&text) else { continue };
        if validator.is_valid(&value) {
            taken.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
        }
    }
    // What one value says about another, and how YAML was written, no schema can tell.
    assert_eq!(taken, ONLY_THE_READER, "{taken:#?}");
}

/// Files whose errors lie between values, or in the text and not in what it means.
const ONLY_THE_READER: &[&str] = &[
    "above-capacity",
    "config-names",
    "expect-never",
    "guest-too-small",
    "limits-twice",
    "matrix-long-names",
    "matrix-too-large",
    "no-attacker",
    "no-workload-in-one",
    "pids-too-few",
    "sandbox-names",
    "sandboxes-and-sugar",
    "sandboxes-no-attacker",
    "swap-alone",
];

#[test]
fn values_of_every_form_are_taken() {
    let validator = validator(&scenario_schema());
    let text = "version: 1\nname: t\nsummary: s\nnode: {cpus: 2, memory: 1Gi, pids: '64', disk: 256Mi, uplink: 100M}\nplacement: apart\n\
                machine: {vm: {cgroup: v1, cpus: 2, memory: 2Gi, swap: 0, disk: 1Gi, kernel: k, append: a=b}}\n\
                trials: {pairs: 4, budget: 10s}\ntolerance: {pids: 50%, cpu/work: 15}\n\
                attacker: {workload: cpu-burn, intensity: 50%, threads: 2, burst: {busy: 1ms, period: 10ms}, \
                limits: {cpu: 500m, idle: true}, namespaces: {pid: host}}\nvictim: {limits: {weight: 10000}}\n\
                configs:\n  - name: a\n    limits: {cpuset: 0, nofile: 64, memory: 64Mi, swap: 0, unified: {memory.high: 48Mi}}\n    \
                expect: [contained, degraded]\n    assert: [inside.pid == 1]\n    when: {cgroup: [v1], kernel: '>=5', arch: x86_64}\n  \
                - name: b\n    machine: host\n    node: none\n    trials: 6\n    expect:\n      - {pids: contained, when: {cgroup: v2}}\n      - pids/fork: [degraded]\n\
                matrix:\n  limits.pids: [16, 64]\n";
    let drain = "version: 1\nname: d\nattacker: {workload: random-drain, source: urandom}\nconfigs: [{name: a}]\n";
    let files = "version: 1\nname: f\nattacker: {workload: fd-exhaust, kind: pipe, processes: 8}\nconfigs: [{name: a}]\n";
    for text in [text, drain, files] {
        parse("t.yaml", text).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(errors(&validator, &scenario_data(text).expect("YAML")), "");
    }
}

#[test]
fn records_are_valid() {
    let validator = validator(&record_schema());
    let mut all = vec![("made by hand".to_owned(), to_json(&fixture::report()))];
    for path in files("reports", "json") {
        all.push((path.display().to_string(), fs::read_to_string(&path).expect("a file")));
    }
    assert!(all.len() >= 2, "a record of a real run is checked in");
    for (name, text) in all {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(errors(&validator, &value), "", "{name}");
        let mut spoilt = value.clone();
        spoilt["seed"] = "many".into();
        assert!(!validator.is_valid(&spoilt), "{name}");
    }
}
