//! Limits that are no files of a cgroup: for each user, and of a file system.

use std::fs;

use crate::serial::{Ended, Program, record_of, run_group, shipped_quick};

/// The first process of a sandbox.
fn first_of(started: &serde_json::Value, sandbox: &str) -> i32 {
    let procs = run_group(started, sandbox, "pids").join("cgroup.procs");
    let text = fs::read_to_string(&procs).unwrap_or_else(|error| panic!("{procs:?}: {error}"));
    text.lines().next().and_then(|pid| pid.parse().ok()).expect("a process")
}

fn ceiling<'a>(ended: &'a Ended, config: &str, knob: &str) -> &'a serde_json::Value {
    let case = ended.case(config);
    let all = case["ceilings"].as_array().expect("ceilings");
    all.iter().find(|it| it["knob"] == knob).unwrap_or_else(|| panic!("no {knob}: {all:?}"))
}

pub fn shipped_nproc() {
    let ended = shipped_quick("nproc");
    for config in ["own-user", "same-user", "same-user-own-namespaces"] {
        let ceiling = ceiling(&ended, config, "RLIMIT_NPROC");
        assert_eq!((&ceiling["limit"], &ceiling["kept"]), (&32.into(), &true.into()), "{ceiling}");
        let case = ended.case(config);
        assert!(case["attack"]["refusals"]["EAGAIN"].as_u64() > Some(0), "{}", case["attack"]);
    }
    // With a user of its own it has all 32; with a shared one, what the neighbour leaves.
    assert_eq!(ceiling(&ended, "own-user", "RLIMIT_NPROC")["peak"], 32);
    assert_eq!(ended.case("own-user")["outcome"], "refused");
    assert!(ceiling(&ended, "same-user", "RLIMIT_NPROC")["peak"].as_u64() < Some(32));
    assert_eq!(ended.case("same-user")["outcome"], "refused");
    assert_eq!(ended.verdict("same-user"), "denied", "{}", ended.case("same-user")["reason"]);
    for config in ["own-user", "same-user-own-namespaces"] {
        let verdict = ended.verdict(config);
        assert!(
            matches!(verdict, "contained" | "inconclusive"),
            "{}",
            ended.case(config)["reason"]
        );
    }
}

/// Both are read where the kernel shows them, by other code than the tool's.
pub fn in_force() {
    let text = "version: 1\nname: bounds\ntrials: {pairs: 2, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nvictim:\n  limits: {nproc: 40, tmpfs: \
                1500Ki}\nconfigs:\n  - name: open\n";
    let program = Program::start(text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_phase("sham", "warm-up");
    let victim = first_of(&started, "victim");
    let limits = fs::read_to_string(format!("/proc/{victim}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max processes")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(&words[2..4], ["40", "40"], "{line}");
    let status = nix::sys::statvfs::statvfs(format!("/proc/{victim}/root/tmp").as_str()).unwrap();
    let bytes = status.blocks() * status.fragment_size();
    assert!((1500 << 10..1564 << 10).contains(&bytes), "{bytes}");
    program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(program.finish().code, 143);
}

/// A limit that somebody changes while the case runs is not the limit that was asked for.
pub fn changed() {
    let text = "version: 1\nname: bounds\ntrials: {pairs: 2, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nconfigs:\n  \
                - name: limited\n    limits: {nproc: 64, tmpfs: 1Mi}\n";
    let program = Program::start_with(&["--quick"], text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let first = first_of(&started, "attacker");
    let lowered = std::process::Command::new("prlimit")
        .args([format!("--pid={first}"), "--nproc=50:50".to_owned()])
        .status();
    assert!(lowered.is_ok_and(|status| status.success()), "prlimit of util-linux");
    let ended = program.finish();
    let changed = ceiling(&ended, "limited", "RLIMIT_NPROC");
    assert_eq!(changed["kept"], false, "{changed}");
    assert!(changed["note"].as_str().is_some_and(|note| note.contains("reads 50")), "{changed}");
    assert_eq!(ended.verdict("limited"), "breached");
    assert_eq!(ceiling(&ended, "limited", "size of /tmp")["kept"], true);
}

/// Files of version 2 on a machine whose memory controller is on version 1: skipped, with the reason; elsewhere in force.
pub fn memory_of_version_2() {
    let text = "version: 1\nname: v2\ntrials: {pairs: 1, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb}\nconfigs:\n  - name: limited\n    \
                limits: {pids: 64, memory: 64Mi, memory.high: 48Mi, memory.low: 1Mi, memory.min: 1Mi}\n";
    let ended = record_of(text);
    let case = ended.case("limited");
    let on_v1 = std::path::Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists();
    if on_v1 {
        assert_eq!(case["verdict"], "skipped", "{case}");
        let reason = case["reason"].as_str().expect("a reason");
        assert!(reason.contains("cgroup version 2") && reason.contains("memory."), "{reason}");
    } else {
        for knob in ["memory.high", "memory.low", "memory.min"] {
            assert_eq!(ceiling(&ended, "limited", knob)["kept"], true);
        }
    }
}
