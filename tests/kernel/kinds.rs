//! Kinds of the fork bomb: threads, and processes that come and go.

use std::fs;

use crate::serial::{Program, record_of, shipped_quick, workers_of};

fn limited(kind: &str, pids: u64) -> String {
    format!(
        "version: 1\nname: one\ntrials: {{pairs: 2, block: 100ms, budget: 1s}}\nattacker: {{workload: forkbomb, kind: {kind}}}\nconfigs:\n  \
         - name: limited\n    limits: {{pids: {pids}}}\n"
    )
}

/// Threads of a process.
fn threads_of(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

pub fn shipped_kinds() {
    let ended = shipped_quick("pids-kinds");
    let open = ended.case("threads-open");
    assert_eq!(open["verdict"], "denied", "{}", open["reason"]);
    assert_eq!(open["kind"], "thread");
    assert!(open["attack"]["peak"].as_u64() > Some(480), "the node was filled: {}", open["attack"]);
    let held = ended.case("threads-64");
    let ceiling = &held["ceiling"];
    assert_eq!((&ceiling["peak"], &ceiling["kept"]), (&64.into(), &true.into()), "{ceiling}");
    assert_eq!(ceiling["level"], "sandbox", "{ceiling}");
    assert_eq!(held["outcome"], "refused");
    // The supervisor is one of the 64; the worker is held and is no operation.
    assert_eq!(held["attack"]["peak"], 63, "{}", held["attack"]);
    let starts = held["attack"]["starts"].as_u64().expect("starts");
    assert_eq!(held["attack"]["operations"].as_u64(), Some(62 * starts), "{}", held["attack"]);
    assert_eq!(held["attack"]["refusals"].as_object().map(|it| it.keys().count()), Some(1));
    let churn = ended.case("churn-open");
    assert!(matches!(churn["verdict"].as_str(), Some("harmless" | "inconclusive")), "{churn}");
    assert_eq!(churn["outcome"], "ran-free");
}

/// One process with as many threads as the limit leaves, and none of them left when the attack is off.
pub fn threads_are_threads() {
    let program = Program::start_with(&["--quick"], &limited("thread", 40), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let workers = workers_of(&started);
    let all: usize = workers.iter().map(|&pid| threads_of(pid)).sum();
    // The attack may have been switched off since.
    assert!(workers.len() <= 1 && all <= 39, "{workers:?}: {all} threads");
    let ended = program.finish();
    assert_eq!(ended.case("limited")["ceiling"]["peak"], 40);
    assert_eq!(ended.case("limited")["ceiling"]["kept"], true);
}

/// It stays below its limit all of the time, and is never refused; with no room for the child, nothing but refusals.
pub fn churn_stays_below() {
    let ended = record_of(&limited("churn", 64));
    let case = ended.case("limited");
    let (attack, ceiling) = (&case["attack"], &case["ceiling"]);
    assert_eq!(attack["refusals"], serde_json::json!({}), "{attack}");
    assert!(attack["operations"].as_u64() > Some(100), "{attack}");
    assert!(ceiling["peak"].as_u64() < Some(64), "{ceiling}");
    assert_eq!((&ceiling["count"], &ceiling["kept"]), (&0.into(), &true.into()), "{ceiling}");
    assert_ne!(case["verdict"], "contained", "an attack that hurts nobody proves nothing");
}
