//! `run --dry-run`: what would be done, on any machine and by anybody.

use std::path::Path;

use command::run;
use serde_json::Value;

use crate::command;

/// Machines without cgroups cannot plan; there is nothing to compare then.
fn planned(arguments: &[&str]) -> Option<command::Answer> {
    let answer = run(arguments);
    if answer.code == 3 {
        assert!(!Path::new("/sys/fs/cgroup").exists(), "{answer:?}");
        return None;
    }
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
    Some(answer)
}

#[test]
fn every_case_has_its_steps_and_limits_in_both_formats() {
    let Some(json) = planned(&["run", "--dry-run", "pids", "--format", "json"]) else { return };
    let Some(table) = planned(&["run", "--dry-run", "pids"]) else { return };
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    let cases = plan["scenarios"][0]["cases"].as_array().unwrap();
    let controls: Vec<&Value> = cases.iter().map(|case| &case["control"]).collect();
    assert!(controls.iter().any(|it| *it == "sham") && controls.iter().any(|it| *it == "open"));
    for case in cases {
        assert!(table.stdout.contains(&format!("pids / {} (", case["config"].as_str().unwrap())));
        for step in case["steps"].as_array().unwrap() {
            assert!(table.stdout.contains(step.as_str().unwrap()), "{step}");
        }
        for limit in case["limits"].as_array().unwrap() {
            let becomes = limit["path"].as_str().or(limit["knob"].as_str()).unwrap();
            assert!(table.stdout.contains(becomes), "{limit}");
        }
    }
    let held = cases.iter().find(|case| case["config"] == "pids-64").unwrap();
    let limits = held["limits"].as_array().unwrap();
    assert!(
        limits.iter().any(|it| {
            it["of"] == "attacker" && it["knob"] == "pids.max" && it["value"] == "64"
        })
    );
}

#[test]
fn the_load_of_a_burner_and_all_its_limits_are_shown() {
    let Some(json) = planned(&["run", "--dry-run", "cpu", "--format", "json"]) else { return };
    let Some(table) = planned(&["run", "--dry-run", "cpu"]) else { return };
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    let cases = plan["scenarios"][0]["cases"].as_array().unwrap();
    let case = |name: &str| cases.iter().find(|case| case["config"] == name).unwrap();
    assert_eq!(case("open-8-threads")["threads"], 8);
    assert_eq!(case("bursts-in-quota")["burst"]["busy_us"], 20_000);
    assert!(case("open")["burst"].is_null());
    assert!(table.stdout.contains("open-8-threads (cpu-burn, 8 threads)"));
    assert!(table.stdout.contains("(cpu-burn, 20000 µs in every 100000 µs)"));
    for (config, of, limit) in [
        ("quota-50m", "attacker", "cpu"),
        ("weight-1", "attacker", "weight"),
        ("idle", "attacker", "idle"),
        ("cpuset-0", "attacker", "cpuset"),
        ("victim-weight", "victim", "weight"),
    ] {
        let limits = case(config)["limits"].as_array().unwrap();
        let found = limits.iter().any(|it| it["of"] == of && it["limit"] == limit);
        assert!(found, "{config}: {limits:?}");
    }
}

#[test]
fn it_leaves_nothing_behind() {
    if planned(&["run", "--dry-run", "pids"]).is_none() {
        return;
    }
    for folder in ["/run", "/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"] {
        assert!(!Path::new(folder).join("contain-test-RUN").exists(), "{folder}");
    }
}

#[test]
fn only_formats_for_plans_are_taken() {
    for extra in [&["--format", "junit"][..], &["--format", "jsonl"], &["--export", "json=x.json"]]
    {
        let answer = run(&[&["run", "--dry-run", "pids"], extra].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{extra:?}: {answer:?}");
    }
    assert!(!Path::new("x.json").exists());
    assert_eq!(run(&["run", "--dry-run", "no-such.yaml"]).code, 2);
}
