//! Memory: who is killed, whose limit it was, and what a limit of memory does not contain.

use serde_json::Value;

use crate::serial::{Ended, record_of, shipped, shipped_quick};

/// What memory may pass its limit by, or stay below it when the kernel refuses: 64 pages for each of two CPUs.
const SLACK: u64 = 2 * 64 * 4096;

const MIB: u64 = 1 << 20;

/// The limit held, at its own level, and killed workers, which were started again; the supervisor lived on.
fn assert_killed_within(ended: &Ended, config: &str, limit: u64) {
    let case = ended.case(config);
    let ceiling = &case["ceiling"];
    assert_eq!(ceiling["limit"], limit, "{ceiling}");
    let peak = ceiling["peak"].as_u64().expect("a peak");
    assert!(peak.abs_diff(limit) <= SLACK, "{ceiling}");
    assert_eq!(ceiling["kept"], true, "{ceiling}");
    assert_eq!(ceiling["level"], "sandbox", "{ceiling}");
    let counter = ceiling["counter"].as_str().expect("a counter");
    assert!(counter.ends_with(" oom_kill"), "{ceiling}");
    let by_kernel = ceiling["count"].as_u64().expect("a count");
    let attack = &case["attack"];
    let by_supervisor = attack["kills"].as_u64().expect("kills");
    // Whom the kernel kills as the attack is switched off, the supervisor takes for its own work.
    let starts = attack["starts"].as_u64().expect("starts");
    assert!(by_supervisor > 0 && by_kernel >= by_supervisor, "{attack} {ceiling}");
    let workers = case["memory"]["workers"].as_u64().expect("workers");
    assert!(by_kernel - by_supervisor <= workers * starts, "{attack} {ceiling}");
    assert!(attack["respawns"].as_u64() >= Some(1), "{attack}");
    // No bound on the attack's own peak: workers that are dying count although the kernel freed their memory already.
    assert!(attack["peak_bytes"].as_u64() >= Some(limit / 2), "{attack}");
    assert_eq!(case["oom_kills"]["victim"], 0, "{}", case["oom_kills"]);
    assert_eq!(case["outcome"], "killed-by-limit");
}

/// Speed may stay undecided on a noisy machine, but it must never be a leak.
fn assert_holds(ended: &Ended, config: &str) {
    let verdict = ended.verdict(config);
    let reason = &ended.case(config)["reason"];
    assert!(matches!(verdict, "contained" | "inconclusive"), "{config}: {reason}");
}

fn leaks(verdict: &str) -> bool {
    matches!(verdict, "degraded" | "denied")
}

pub fn shipped_memory() {
    let ended = shipped("memory");
    let open = ended.case("open");
    assert!(leaks(ended.verdict("open")), "{}", open["reason"]);
    let peak = open["attack"]["peak_bytes"].as_u64();
    assert!(peak > Some(480 * MIB), "the node was filled: {}", open["attack"]);
    assert!(open["oom_kills"]["attacker"].as_u64() > Some(0), "{}", open["oom_kills"]);
    assert_eq!(open["watch"]["failures"], serde_json::json!({}), "{}", open["watch"]);
    assert_killed_within(&ended, "memory-64", 64 * MIB);
    assert_holds(&ended, "memory-64");
    // A limit that is no limit of what is attacked: kept, and of no use.
    let burner = ended.case("memory-64-burner");
    assert_eq!(ended.verdict("memory-64-burner"), "degraded", "{}", burner["reason"]);
    assert_eq!(burner["ceilings"][0]["kept"], true, "{burner}");
}

pub fn by_hand() {
    let ended = shipped_quick("memory-by-hand");
    let limited = ended.case("memory-50");
    assert_eq!(limited["ceiling"]["count"], 10, "{}", limited["ceiling"]);
    assert_eq!(limited["oom_kills"]["attacker"], 10);
    assert_eq!(limited["attack"]["kills"], 10, "{}", limited["attack"]);
    assert_eq!(ended.case("open")["oom_kills"]["attacker"], 0);
    let pages = ended.case("open")["attack"]["operations"].as_u64().expect("pages");
    assert_eq!(pages * 4096, 10 * 100_000_000 / 4096 * 4096, "every page of ten allocations");
    let expectations = limited["expectations"].as_array().expect("expectations");
    for it in expectations.iter().filter(|it| it["target"] != "memory") {
        assert_eq!(it["met"], true, "{it}");
    }
}

pub fn engine_defaults() {
    let ended = shipped_quick("engine-defaults");
    let limited = "memory-512-cpu-500m";
    assert_killed_within(&ended, limited, 512 * MIB);
    let ceilings = ended.case(limited)["ceilings"].as_array().expect("ceilings");
    let quota = ceilings.iter().find(|it| it["resource"] == "cpu").expect("a quota");
    assert_eq!(quota["kept"], true, "{quota}");
    assert!(quota["count"].as_u64() > Some(0), "it wanted more than half a CPU: {quota}");
    // Within blocks of 40 ms there are few kills, so the open case may come out harmless, and the limited one with it.
    if ended.verdict(limited) != "vacuous" {
        assert_holds(&ended, limited);
    }
}

fn attack_of(ended: &Ended) -> Value {
    ended.case("open")["attack"].clone()
}

fn open_eater(options: &str) -> Ended {
    record_of(&format!(
        "version: 1\nname: eater\nnode: {{memory: 256Mi}}\ntrials: {{pairs: 2, block: 100ms, budget: 1s}}\nattacker: {{workload: memory-eater{options}}}\n\
         configs:\n  - name: open\n"
    ))
}

/// What is asked for is held, to the page; nobody is killed for it, and off means off.
pub fn held_to_the_page() {
    let ended = open_eater(", size: 64Mi, workers: 4");
    let attack = attack_of(&ended);
    assert_eq!((&attack["peak_bytes"], &attack["peak"]), (&(64 * MIB).into(), &16384.into()));
    let pages = attack["starts"].as_u64().expect("starts") * 16384;
    assert_eq!((&attack["operations"], &attack["kills"]), (&pages.into(), &0.into()), "{attack}");
    assert_eq!(ended.case("open")["residue"], serde_json::json!([]));
    // Half of the effort, and slowly.
    let ended = open_eater(", size: 64Mi, workers: 1, intensity: 50, rate: 128Mi");
    assert_eq!(attack_of(&ended)["peak_bytes"], 32 * MIB);
}

/// One worker that wants all of the node dies itself, and is started again.
pub fn one_large_worker() {
    let ended = open_eater(", workers: 1");
    let case = ended.case("open");
    assert_ne!(case["verdict"], "error", "{}", case["reason"]);
    assert!(case["attack"]["respawns"].as_u64() >= Some(1), "{}", case["attack"]);
    assert_eq!(case["oom_kills"]["victim"], 0, "it holds most");
}

/// Workers that offer themselves are taken first, however little each of them holds.
pub fn attacker_first() {
    let ended = open_eater(", workers: 100, oom: attacker-first");
    let case = ended.case("open");
    assert_ne!(case["verdict"], "error", "{}", case["reason"]);
    assert!(case["oom_kills"]["attacker"].as_u64() > Some(0), "{}", case["oom_kills"]);
    assert_eq!(case["oom_kills"]["victim"], 0, "{}", case["oom_kills"]);
}

/// Files in memory: refused where the file system is full, killed where the memory is.
pub fn shipped_tmpfs() {
    let ended = shipped_quick("memory-tmpfs");
    // How much slower it gets is for longer blocks to say.
    let open = ended.verdict("open");
    assert!(leaks(open) || open == "inconclusive", "{}", ended.case("open")["reason"]);
    let sized = ended.case("tmpfs-64");
    let ceilings = sized["ceilings"].as_array().expect("ceilings");
    let size = ceilings.iter().find(|it| it["knob"] == "size of /tmp").expect("its ceiling");
    assert_eq!((&size["limit"], &size["kept"]), (&(64 * MIB).into(), &true.into()), "{size}");
    assert!(size["peak"].as_u64() >= Some(63 * MIB), "{size}");
    assert!(sized["attack"]["refusals"]["ENOSPC"].as_u64() > Some(0), "{}", sized["attack"]);
    assert_eq!(sized["oom_kills"]["attacker"], 0, "{}", sized["oom_kills"]);
    assert_killed_within(&ended, "memory-64", 64 * MIB);
    for config in ["tmpfs-64", "memory-64"] {
        assert_holds(&ended, config);
    }
}

/// What is read stays in memory up to the limit and no further, and nobody is killed for it: not within a limit, and not on a node that is full of it.
pub fn page_cache() {
    let ended = record_of(
        "version: 1\nname: cache\nnode: {memory: 128Mi, disk: 64Mi}\ntrials: {pairs: 4, block: 100ms, budget: 1s}\n\
         attacker: {workload: memory-eater, kind: page-cache}\nconfigs:\n  - name: open\n  - name: memory-32\n    limits: {memory: 32Mi}\n",
    );
    for config in ["open", "memory-32"] {
        let case = ended.case(config);
        assert_ne!(case["verdict"], "error", "{config}: {}", case["reason"]);
        assert_eq!(case["oom_kills"]["attacker"], 0, "{config}: {}", case["oom_kills"]);
        assert_eq!(case["oom_kills"]["victim"], 0, "{config}: {}", case["oom_kills"]);
        let attack = &case["attack"];
        assert_eq!((&attack["kills"], &attack["peak_bytes"]), (&0.into(), &(128 * MIB).into()));
        let pages = attack["starts"].as_u64().expect("starts") * 128 * MIB / 4096;
        assert!(attack["operations"].as_u64() > Some(pages), "read again: {attack}");
        assert_eq!(case["residue"], serde_json::json!([]), "{config}");
    }
    let ceiling = &ended.case("memory-32")["ceiling"];
    let peak = ceiling["peak"].as_u64().expect("a peak");
    assert!(peak.abs_diff(32 * MIB) <= SLACK, "as much as is allowed: {ceiling}");
    assert_eq!(ceiling["kept"], true, "{ceiling}");
}
