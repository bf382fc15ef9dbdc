//! Open files: the limit of each process, which is kept, and their sum, which is memory.

use std::process::Command;

use serde_json::Value;

use crate::serial::{Ended, Program, record_of, shipped_quick, workers_of};

const HELD: &str = "version: 1\nname: held\nnode: {memory: 128Mi}\ntrials: {pairs: PAIRS, block: 100ms, budget: 1s}\nattacker: {workload: fd-exhaust, \
                    kind: KIND, processes: 8}\nconfigs:\n  - name: limited\n    limits: {nofile: 40}\n    expect: [contained, vacuous]\n";

fn stopped_by(ended: &Ended, config: &str) -> Vec<String> {
    let list = ended.case(config)["attack"]["stopped_by"].as_array().cloned().unwrap_or_default();
    list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

fn ceiling<'a>(ended: &'a Ended, config: &str, knob: &str) -> &'a Value {
    let all = ended.case(config)["ceilings"].as_array().expect("ceilings");
    all.iter().find(|it| it["knob"] == knob).unwrap_or_else(|| panic!("no {knob}: {all:?}"))
}

/// The limit held for every process, to the last descriptor, and refused more.
fn assert_full(ended: &Ended, config: &str, limit: u64) {
    let it = ceiling(ended, config, "RLIMIT_NOFILE");
    assert_eq!((&it["limit"], &it["peak"]), (&limit.into(), &limit.into()), "{it}");
    assert_eq!((&it["kept"], &it["level"]), (&true.into(), &"sandbox".into()), "{it}");
    assert_eq!(it["count"], ended.case(config)["attack"]["refusals"]["EMFILE"], "{it}");
    assert!(it["count"].as_u64() > Some(0), "{it}");
}

pub fn shipped() {
    let ended = shipped_quick("files");
    let leaks = |config: &str| {
        let verdict = ended.verdict(config);
        let case = ended.case(config);
        assert!(matches!(verdict, "denied" | "degraded"), "{config}: {}", case["reason"]);
        assert!(stopped_by(&ended, config).contains(&"memory".to_owned()), "{}", case["attack"]);
        assert!(case["attack"]["respawns"].as_u64() > Some(0), "{}", case["attack"]);
    };
    leaks("open");
    leaks("nofile-4096");
    let each = ceiling(&ended, "nofile-4096", "RLIMIT_NOFILE");
    assert_eq!(each["kept"], true, "each process keeps its limit, and the node is full: {each}");
    assert_full(&ended, "nofile-64", 64);
    assert_eq!(stopped_by(&ended, "nofile-64"), ["nofile"]);
    let sum = ended.case("nofile-64")["attack"]["peak"].as_u64().expect("a peak");
    assert!(sum <= 32 * 64 && sum > 32 * 50, "{sum}");
    let verdict = ended.verdict("nofile-64");
    let reason = &ended.case("nofile-64")["reason"];
    assert!(matches!(verdict, "contained" | "inconclusive"), "{reason}");
    // What is claimed of memory is who is killed.
    let alone = ended.case("memory-64mi");
    let attack = &alone["attack"];
    assert!(stopped_by(&ended, "memory-64mi").contains(&"memory".to_owned()), "{attack}");
    assert!(attack["respawns"].as_u64() > Some(0), "{attack}");
    let claims = alone["expectations"].as_array().expect("claims");
    assert_eq!(claims.len(), 2, "{claims:?}");
    assert!(claims.iter().all(|claim| claim["met"] == true), "{claims:?}");
    assert_eq!(alone["oom_kills"]["victim"], 0, "{}", alone["oom_kills"]);
    assert!(matches!(ended.code, 0 | 4), "{}", ended.errors);
}

/// Whatever is opened, a process gets as many as its limit says and not one more; pipes come in pairs.
pub fn every_kind_stops_at_its_limit() {
    for kind in ["file", "pipe", "eventfd"] {
        let ended = record_of(&HELD.replace("KIND", kind).replace("PAIRS", "1"));
        let it = ceiling(&ended, "limited", "RLIMIT_NOFILE");
        let peak = it["peak"].as_u64().expect("a peak");
        assert!(peak == 40 || (kind == "pipe" && peak == 39), "{kind}: {it}");
        assert_eq!(it["kept"], true, "{kind}: {it}");
        assert!(it["count"].as_u64() > Some(0), "{kind}: {it}");
        assert_eq!(stopped_by(&ended, "limited"), ["nofile"], "{kind}");
    }
}

/// Somebody gives workers another limit than was set: no cgroup notices, but their limits read otherwise. Less, because more takes
/// a privilege (CAP_SYS_RESOURCE) that not every root has.
pub fn limit_changed() {
    let program = Program::start(&HELD.replace("KIND", "socket").replace("PAIRS", "4"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    for _ in 0..4 {
        program.wait_for_attack("limited");
        for worker in workers_of(&started) {
            // A worker that is gone by now is followed by another one.
            let _ = Command::new("prlimit")
                .args(["--nofile=30:30", "--pid", &worker.to_string()])
                .status();
        }
    }
    let ended = program.finish();
    let it = ceiling(&ended, "limited", "RLIMIT_NOFILE");
    assert_eq!(it["kept"], false, "{it}");
    assert!(it["note"].as_str().expect("a note").contains("though 40 was set"), "{it}");
    assert_eq!(ended.verdict("limited"), "breached", "{}", ended.case("limited")["reason"]);
    assert_eq!(ended.code, 1);
}
