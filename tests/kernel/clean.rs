//! Runs that were killed, and the janitor.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::serial::{Program, run_group};

const OPEN: &str =
    "version: 1\nname: killed\nattacker: {workload: forkbomb}\nconfigs:\n  - name: open\n";

fn clean() -> Value {
    let answer = Command::new(env!("CARGO_BIN_EXE_contain-test"))
        .args(["clean", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice(&answer.stdout).unwrap()
}

pub fn killed_and_live() {
    let program = Program::start(OPEN, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("open");

    // The janitor runs beside a live run, and leaves it alone.
    let seen = clean();
    assert_eq!(seen["alive"][0], started["run_id"]);
    assert_eq!(seen["removed"], serde_json::json!([]));
    let group = run_group(&started, "attacker", "pids");
    assert!(group.exists());

    // Killed without a chance to do anything: every process of it dies with it.
    program.signal(Signal::SIGKILL);
    assert_eq!(program.finish().code, -1);
    let killed = Instant::now();
    let procs = |folder: &Path| std::fs::read_to_string(folder.join("cgroup.procs")).unwrap();
    let victim = run_group(&started, "victim", "pids");
    while !procs(&group).is_empty() || !procs(&victim).is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(2), "still there:\n{}", procs(&group));
        std::thread::sleep(Duration::from_millis(10));
    }

    let seen = clean();
    assert!(!seen["removed"].as_array().unwrap().is_empty());
    assert_eq!(clean()["removed"], serde_json::json!([]), "a second time there is nothing to do");
}
