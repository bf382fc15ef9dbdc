//! Limits that hold, and limits that do not.

use std::fs;

use serde_json::Value;

use crate::serial::{
    Ended, Program, quick_record_of, record_of, run_group, shipped, shipped_quick, workers_of,
};

const PIDS: &str = include_str!("../../scenarios/pids.yaml");

fn only_limited(limit: &str) -> String {
    format!(
        "version: 1\nname: one\ntrials: {{pairs: 2, budget: 1s}}\nattacker: {{workload: forkbomb}}\nconfigs:\n  - name: limited\n    limits: \
         {limit}\n    expect: contained\n"
    )
}

/// Forks that the victim attempted in blocks of this state.
fn attempts(case: &Value, state: &str) -> u64 {
    let blocks = case["blocks"].as_array().into_iter().flatten();
    blocks
        .filter(|block| block["state"] == state)
        .flat_map(|block| block["probes"].as_array().into_iter().flatten())
        .filter(|probe| probe["probe"] == "pids/fork")
        .filter_map(|probe| probe["attempts"].as_u64())
        .sum()
}

/// Failures of the fork probe in on-blocks and in off-blocks.
fn fork_failures(case: &Value) -> (u64, u64) {
    let sum = |state: &str| {
        case["blocks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|block| block["state"] == state)
            .flat_map(|block| block["probes"].as_array().into_iter().flatten())
            .filter(|probe| probe["probe"] == "pids/fork")
            .filter_map(|probe| probe["failures"]["EAGAIN"].as_u64())
            .sum()
    };
    (sum("on"), sum("off"))
}

/// The ceiling holds at `limit`, its own limit refused, and the kernel's counter agrees with the attacker's own.
fn assert_ceiling(ended: &Ended, config: &str, limit: u64) {
    let case = ended.case(config);
    let ceiling = &case["ceiling"];
    assert_eq!(ceiling["limit"], limit, "{ceiling}");
    assert_eq!(ceiling["peak"], limit, "{ceiling}");
    assert_eq!(ceiling["kept"], true, "{ceiling}");
    assert_eq!(ceiling["level"], "sandbox", "{ceiling}");
    assert!(ceiling["node_peak"].as_u64() < Some(512), "{ceiling}");
    assert!(ceiling["note"].as_str().expect("a note").contains("init"), "{ceiling}");
    let counted = ceiling["count"].as_u64().expect("a counter");
    let own = case["attack"]["refusals"]["EAGAIN"].as_u64().expect("refusals");
    // A worker may be killed between the kernel's refusal and its own count: at most one retry for each, at each stop.
    let in_flight = limit * case["attack"]["starts"].as_u64().expect("starts");
    assert!(own > 0 && counted >= own && counted - own <= in_flight, "{counted} against {own}");
    // One task of the limit is the sandbox's init.
    assert_eq!(case["attack"]["peak"], limit - 1);
    assert_eq!(case["outcome"], "refused");
}

/// Containment of speed may stay undecided on a noisy machine, but it must never be a leak.
fn assert_holds(ended: &Ended, config: &str) {
    let verdict = ended.verdict(config);
    assert!(
        matches!(verdict, "contained" | "inconclusive"),
        "{config}: {}",
        ended.case(config)["reason"]
    );
    let expected = if verdict == "contained" { 0 } else { 4 };
    assert_eq!(ended.code, expected, "{}", ended.errors);
}

fn assert_machine_did_not_notice(case: &Value) {
    let watch = &case["watch"];
    assert_eq!(watch["failures"], serde_json::json!({}), "{watch}");
    assert!(watch["rounds"].as_u64() > Some(5), "{watch}");
    assert!(watch["longest_pause_ms"].as_f64() < Some(1000.0), "{watch}");
}

pub fn shipped_pids() {
    let ended = shipped("pids");
    let open = ended.case("open");
    assert_eq!(ended.verdict("open"), "denied");
    // Four blocks are enough for a plain denial, and a slow machine does few operations in one.
    let (on, off) = fork_failures(open);
    assert!(on >= 4 && off == 0, "{on} on, {off} off");
    assert_eq!(on, attempts(open, "on"), "every single fork was refused");
    assert_eq!(open["control"], "open");
    assert!(open["attack"]["peak"].as_u64() > Some(480), "the node was filled: {}", open["attack"]);
    assert_machine_did_not_notice(open);
    assert_ceiling(&ended, "pids-64", 64);
    assert_eq!(fork_failures(ended.case("pids-64")), (0, 0));
    assert_eq!(ended.case("sham")["control"], "sham");
    assert_holds(&ended, "pids-64");
    assert_eq!(ended.record["complete"], true);
    assert_eq!(ended.record["cleanup"]["complete"], true);
}

pub fn seven_and_a_hundred() {
    let text = "version: 1\nname: chosen\ntrials: {pairs: 2, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nconfigs:\n  - name: seven\n    limits: \
                {pids: 7}\n    expect: contained\n  - name: hundred\n    limits: {pids: 100}\n";
    let ended = record_of(text);
    assert_ceiling(&ended, "seven", 7);
    assert_ceiling(&ended, "hundred", 100);
    assert_holds(&ended, "seven");
}

pub fn limit_taken_away() {
    let text = PIDS.replace("limits: {pids: 64}", "limits: {}");
    assert_ne!(text, PIDS);
    let ended = quick_record_of(&text);
    assert_eq!(ended.code, 1, "{}", ended.errors);
    let expectation = &ended.case("pids-64")["expectations"][0];
    assert_eq!(expectation["expected"], "contained");
    assert_eq!(expectation["seen"], "denied");
    assert_eq!(expectation["met"], false);
    let line = u64::try_from(text.lines().position(|it| it.contains("expect: contained")).unwrap());
    assert_eq!(expectation["line"].as_u64(), line.ok().map(|line| line + 1));
}

pub fn limit_raised() {
    let program = Program::start_with(&["--quick"], &only_limited("{pids: 64}"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    fs::write(run_group(&started, "attacker", "pids").join("pids.max"), "200").unwrap();
    let ended = program.finish();
    assert_eq!(ended.verdict("limited"), "breached", "{}", ended.case("limited")["reason"]);
    assert_eq!(ended.code, 1);
    assert_eq!(ended.case("limited")["ceiling"]["kept"], false);
}

/// Raised, but never used: no peak shows it, only reading the limit again does.
pub fn limit_raised_unused() {
    let text = only_limited("{pids: 64}").replace("forkbomb}", "forkbomb, intensity: 1}");
    let program = Program::start_with(&["--quick"], &text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    fs::write(run_group(&started, "attacker", "pids").join("pids.max"), "200").unwrap();
    let ended = program.finish();
    let ceiling = &ended.case("limited")["ceiling"];
    assert!(ceiling["peak"].as_u64() < Some(64), "{ceiling}");
    assert_eq!(ceiling["kept"], false, "{ceiling}");
    assert_eq!(ended.verdict("limited"), "breached", "{}", ended.case("limited")["reason"]);
    assert_eq!(ended.code, 1);
}

pub fn process_moved_out() {
    let program = Program::start_with(&["--quick"], &only_limited("{pids: 64}"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let group = run_group(&started, "attacker", "pids");
    let procs = fs::read_to_string(group.join("cgroup.procs")).unwrap();
    // Not the first, which is the sandbox's init, but a worker that holds on until the attack is switched off.
    let worker = procs.lines().nth(20).expect("workers");
    let top = group.parent().and_then(|node| node.parent()).unwrap();
    fs::write(top.join("cgroup.procs"), worker).unwrap();
    let ended = program.finish();
    let case = ended.case("limited");
    assert_eq!(ended.verdict("limited"), "breached", "{}", case["reason"]);
    assert_eq!(case["outcome"], "escaped");
    assert_eq!(ended.code, 1);
}

pub fn by_hand() {
    let ended = shipped_quick("pids-by-hand");
    for config in ["pids-5", "pids-5-host-pid"] {
        assert_ceiling(&ended, config, 5);
        let facts = ended.case(config)["expectations"].as_array().unwrap();
        for fact in facts.iter().filter(|it| it["target"] != "pids") {
            assert_eq!(fact["met"], true, "{config}: {fact}");
        }
    }
    assert_eq!(ended.case("pids-5")["facts"]["inside.pid"], 1);
    assert_ne!(ended.case("pids-5")["facts"]["outside.pid"], 1);
    assert!(matches!(ended.code, 0 | 4), "{}", ended.errors);
}

/// The sham keeps the victim's limits, so they can be read while it runs.
pub fn every_knob() {
    let text = "version: 1\nname: knobs\ntrials: {pairs: 1, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nvictim:\n  limits: {pids: 40, memory: \
                100Mi, cpu: 500m, weight: 50, nofile: 99}\nconfigs:\n  - name: open\n";
    let program = Program::start(text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_phase("sham", "warm-up");
    let read = |controller: &str, names: [&str; 2]| {
        let folder = run_group(&started, "victim", controller);
        names
            .into_iter()
            .find_map(|name| fs::read_to_string(folder.join(name)).ok())
            .unwrap_or_else(|| panic!("none of {names:?} in {folder:?}"))
            .trim()
            .to_owned()
    };
    assert_eq!(read("pids", ["pids.max", "pids.max"]), "40");
    assert_eq!(read("memory", ["memory.limit_in_bytes", "memory.max"]), "104857600");
    assert!(matches!(
        read("cpu", ["cpu.cfs_quota_us", "cpu.max"]).as_str(),
        "50000" | "50000 100000"
    ));
    assert!(matches!(read("cpu", ["cpu.shares", "cpu.weight"]).as_str(), "512" | "50"));
    let victim = run_group(&started, "victim", "pids").join("cgroup.procs");
    let pid = fs::read_to_string(victim).unwrap().lines().next().unwrap().to_owned();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("99"), "{line}");
    program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(program.finish().code, 143);
}

/// One percent of the effort takes five of 512 tasks: the open attack hurts nobody, so a limit that "holds" proves nothing.
pub fn faint_attack() {
    let text = "version: 1\nname: faint\ntrials: {pairs: 4, budget: 5s}\nattacker: {workload: forkbomb, intensity: 1}\nconfigs:\n  - name: limited\n    \
                limits: {pids: 64}\n    expect: contained\n";
    let ended = record_of(text);
    let open = ended.verdict("open");
    assert!(matches!(open, "harmless" | "inconclusive"), "{}", ended.case("open")["reason"]);
    assert_eq!(ended.case("open")["attack"]["peak"], 5);
    if open == "harmless" && ended.verdict("limited") != "inconclusive" {
        assert_eq!(ended.verdict("limited"), "vacuous", "{}", ended.case("limited")["reason"]);
        assert_eq!(ended.code, 1);
    }
}

/// Something outside kills every worker: the supervisor starts the attack again, and counts that.
pub fn killed_workers() {
    let program = Program::start_with(&["--quick"], &only_limited("{pids: 64}"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    // Workers die with their parents, so some of these are gone by their turn.
    for pid in workers_of(&started) {
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGKILL,
        );
    }
    let ended = program.finish();
    let attack = &ended.case("limited")["attack"];
    assert!(attack["respawns"].as_u64() >= Some(1), "{attack}");
    assert_eq!(attack["peak"], 63, "{attack}");
    assert_holds(&ended, "limited");
}
