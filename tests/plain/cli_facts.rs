//! Commands that print facts: `doctor`, `list`, `check`, in both formats. Nothing here depends on the machine.

use command::run;
use contain_test::record::Machine;
use serde_json::Value;

use crate::command;

#[test]
fn doctor_says_the_same_in_both_formats() {
    let json = run(&["doctor", "--format", "json"]);
    let table = run(&["doctor"]);
    assert_eq!(json.code, table.code);
    assert_eq!(json.stderr, "");
    let machine: Machine = serde_json::from_str(&json.stdout).unwrap();
    let expected = if machine.missing().is_empty() { 0 } else { 3 };
    assert_eq!(json.code, expected);
    assert!(table.stdout.contains(&machine.kernel));
    for requirement in &machine.requirements {
        assert!(table.stdout.contains(&requirement.name), "{requirement:?}");
        assert!(requirement.met || table.stdout.contains(&requirement.remedy), "{requirement:?}");
    }
}

#[test]
fn doctor_json_has_the_machines_fields() {
    let document: Value =
        serde_json::from_str(&run(&["doctor", "--format", "json"]).stdout).unwrap();
    assert_eq!(document["id"], "host");
    assert_eq!(document["kind"], "host");
    assert!(document["cpus"].as_u64().unwrap() >= 1);
    assert!(document["memory_bytes"].as_u64().unwrap() > 0);
    let names: Vec<&str> = document["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|requirement| requirement["name"].as_str().unwrap())
        .collect();
    for name in ["user.root", "cgroup.pids", "namespace.time", "memory.headroom", "pids.peak"] {
        assert!(names.contains(&name), "{name} not in {names:?}");
    }
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "a requirement is named twice");
}

#[test]
fn list_names_every_workload() {
    let table = run(&["list"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&run(&["list", "--format", "json"]).stdout).unwrap();
    for kind in ["scenarios", "workloads", "probes"] {
        for entry in document[kind].as_array().unwrap() {
            assert!(table.stdout.contains(entry["name"].as_str().unwrap()), "{entry}");
        }
    }
    let workloads = document["workloads"].as_array().unwrap();
    assert!(workloads.iter().any(|it| it["name"] == "forkbomb" && it["resource"] == "pids"));
}

#[test]
fn check_reports_each_bad_file_as_json() {
    let answer = run(&["check", "--format", "json", "no-such-file.yaml", "nor-this.yaml"]);
    assert_eq!(answer.code, 2);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap();
    let files = document["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(file["ok"], false);
        assert_eq!(file["scenario"], Value::Null);
        let error = &file["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
        for key in ["line", "column", "help"] {
            assert!(error.get(key).is_some(), "{key}");
        }
    }
}

#[test]
fn explain_gives_every_meaning_of_a_name() {
    let table = run(&["explain", "memory"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    let document: Value =
        serde_json::from_str(&run(&["explain", "memory", "--format", "json"]).stdout).unwrap();
    let entries = document["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["resource", "limit"]);
    for entry in entries {
        assert!(table.stdout.contains(entry["meaning"].as_str().unwrap()), "{entry}");
        for detail in entry["details"].as_array().unwrap() {
            assert!(table.stdout.contains(detail["text"].as_str().unwrap()), "{detail}");
        }
    }
    assert!(table.stdout.contains("memory.limit_in_bytes") && table.stdout.contains("--memory"));
    assert_eq!(run(&["explain", "Vacuous"]).code, 0);
}

#[test]
fn explain_helps_with_names_that_nothing_has() {
    for (name, help) in [("forkbmb", "did you mean `forkbomb`?"), ("\u{1b}[2J", "known: ")] {
        let answer = run(&["explain", name]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
        assert!(answer.stderr.contains(help), "{answer:?}");
        assert!(!answer.stderr.contains('\u{1b}'), "{answer:?}");
    }
    assert_eq!(run(&["explain"]).code, 2);
}
