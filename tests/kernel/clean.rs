//! Runs that were killed, and the janitor.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::serial::{Program, guardian_of, is_emulated, leftovers, run_group};

const OPEN: &str = "version: 1\nname: killed\ntrials: {pairs: 1, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nconfigs:\n  - name: open\n";

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

    // Both killed without a chance to do anything: every process of the run dies with them, and directories stay.
    let guardian = guardian_of(program.pid());
    for pid in [guardian, program.pid()] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
    }
    assert_eq!(program.finish().code, -1);
    let killed = Instant::now();
    let procs = |folder: &Path| std::fs::read_to_string(folder.join("cgroup.procs")).unwrap();
    let victim = run_group(&started, "victim", "pids");
    // Five hundred deaths are the work of a moment, and of several on an emulated CPU.
    let limit = if is_emulated() { Duration::from_secs(30) } else { Duration::from_secs(1) };
    while !procs(&group).is_empty() || !procs(&victim).is_empty() {
        assert!(killed.elapsed() < limit, "still there:\n{}", procs(&group));
        std::thread::sleep(Duration::from_millis(10));
    }

    let seen = clean();
    assert!(!seen["removed"].as_array().unwrap().is_empty());
    assert_eq!(clean()["removed"], serde_json::json!([]), "a second time there is nothing to do");
}

/// The harness killed alone: its guardian takes everything down without being asked.
pub fn guarded() {
    let program = Program::start(OPEN, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("open");
    let group = run_group(&started, "attacker", "pids");
    assert!(group.exists());
    program.signal(Signal::SIGKILL);
    assert_eq!(program.finish().code, -1);
    let killed = Instant::now();
    while !leftovers().is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(5), "{}", leftovers());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!group.exists());
}

/// The second of two runs says that it disturbs, and both go through to their ends, each with its own things.
pub fn two_at_once() {
    let first = Program::start(OPEN, &[]);
    let started = first.wait_for(|event| event["event"] == "run-started");
    first.wait_for_attack("open");
    let second = Program::start(OPEN, &[]);
    second.wait_for_phase("sham", "blocks");
    second.signal(Signal::SIGTERM);
    let second = second.finish();
    assert_eq!(second.code, 143, "{}", second.errors);
    assert_eq!(second.record["cleanup"]["complete"], true);
    let warned = second.record["warnings"][0].as_str().expect("a warning");
    let id = started["run_id"].as_str().expect("a run ID");
    assert!(warned.contains(id) && warned.contains("not to be trusted"), "{warned}");
    // What the second took down was not the first's.
    assert!(run_group(&started, "attacker", "pids").exists());
    first.wait_for(|event| event["event"] == "block-finished");
    first.signal(Signal::SIGTERM);
    let first = first.finish();
    assert_eq!(first.code, 143, "{}", first.errors);
    // One pair of short blocks may be too few to say that nothing was slower, beside another run; but it was measured to its end.
    assert!(matches!(first.verdict("sham"), "harmless" | "inconclusive"), "{}", first.errors);
    assert_eq!(first.record["cleanup"]["complete"], true);
}
