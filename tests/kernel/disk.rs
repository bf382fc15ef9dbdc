//! The node's disk: what is counted at it, what is held there, and that nothing of it stays.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::serial::{Ended, Program, guardian_of, leftovers, record_of, shipped_quick};

const RATE: &str = "version: 1\nname: rate\nnode: {disk: 64Mi}\ntrials: {pairs: 4, budget: 1s}\nattacker: {workload: io-drain}\nconfigs:\n  \
                    - name: limited\n    limits: {io: {wbps: 4Mi}}\n";

const LONG: &str = "version: 1\nname: killed\ntrials: {pairs: 1, block: 100ms, budget: 1s}\nnode: {disk: 64Mi}\nattacker: {workload: io-drain, kind: buffered-write}\nconfigs:\n  - name: open\n";

/// The lowest rate that a scenario may set: all eight wait for half a second for their 64 KiB each.
const THROTTLED: &str = "version: 1\nname: throttled\ntrials: {pairs: 1, block: 100ms, budget: 1s}\nnode: {disk: 16Mi}\nattacker: {workload: io-drain}\nconfigs:\n  - name: limited\n    limits: {io: {wbps: 1Mi}}\n";

/// The first user ID that sandboxes have.
const FIRST_ID: u32 = 0x7000_0000;

/// The promise.
const GONE: Duration = Duration::from_secs(1);

fn ceiling<'a>(ended: &'a Ended, config: &str) -> &'a Value {
    &ended.case(config)["ceiling"]
}

fn attack<'a>(ended: &'a Ended, config: &str) -> &'a Value {
    &ended.case(config)["attack"]
}

pub fn full() {
    let ended = shipped_quick("disk-full");
    for config in ["space", "inodes"] {
        let case = ended.case(config);
        assert_eq!(ended.verdict(config), "denied", "{}", case["reason"]);
        assert!(
            attack(&ended, config)["refusals"]["ENOSPC"].as_u64() > Some(0),
            "{}",
            case["attack"]
        );
        assert_eq!(attack(&ended, config)["stopped_by"][0], "disk-full");
        let cells = case["cells"].as_array().expect("cells");
        let fsync = cells.iter().find(|cell| cell["probe"] == "disk/fsync").expect("a cell");
        assert!(fsync["failures"]["ENOSPC"].as_u64() > Some(0), "{fsync}");
        assert!(case["residue"].as_array().expect("a list").is_empty());
        // What was filled was the node's: a process outside it went on writing, and the file of the disk is gone.
        assert!(case["watch"]["rounds"].as_u64() > Some(0), "{}", case["watch"]);
        assert_eq!(case["watch"]["failures"], serde_json::json!({}));
        let image = case["disk"]["image"].as_str().expect("a path");
        assert!(image.contains("/contain-test-") && !Path::new(image).exists(), "{image}");
    }
    // 64 MiB less the tables of the file system and its journal.
    let peak = attack(&ended, "space")["peak"].as_u64().expect("a peak");
    assert!((48 << 20..64 << 20).contains(&peak), "{peak}");
    // One inode for each 16 KiB, less those that the file system and the victim have.
    let files = attack(&ended, "inodes")["peak"].as_u64().expect("a peak");
    assert!((4000..4096).contains(&files), "{files}");
    assert!(matches!(ended.code, 0 | 4), "{}", ended.errors);
}

/// The same limit holds what a task sends to the device itself; on version 1 it does not hold what the kernel writes back for it.
pub fn shipped() {
    let ended = shipped_quick("disk");
    assert_eq!(ceiling(&ended, "direct")["kept"], true, "{}", ceiling(&ended, "direct"));
    let on_v1 = Path::new("/sys/fs/cgroup/blkio").is_dir();
    if on_v1 {
        assert_eq!(ended.verdict("buffered"), "breached", "{}", ended.case("buffered")["reason"]);
    }
    assert!(matches!(ended.code, 0 | 1 | 4), "{}", ended.errors);
}

/// What the kernel charged over all blocks under attack, of 2 s and more together, lies within a tenth of the limit, and what the workload says that it
/// wrote agrees with it.
pub fn rate_is_held() {
    let ended = record_of(RATE);
    let held = ceiling(&ended, "limited");
    let (peak, limit) = (held["peak"].as_u64().unwrap(), held["limit"].as_u64().unwrap());
    assert_eq!(limit, 4 << 20);
    assert_eq!(held["kept"], true, "{held}");
    assert!(peak <= limit / 10 * 11, "{held}");
    assert!(peak >= limit / 10 * 7, "the writers were not held back: {held}");
    assert_eq!(ended.case("limited")["outcome"], "throttled");
    let blocks = ended.case("limited")["blocks"].as_array().unwrap();
    let on = blocks.iter().filter(|block| block["state"] == "on");
    let on_ms: f64 =
        on.map(|it| it["end_ms"].as_f64().unwrap() - it["start_ms"].as_f64().unwrap()).sum();
    assert!(on_ms >= 2000.0, "{on_ms}");
    // Between blocks the attack goes on or begins, so that it wrote at least what was charged in blocks.
    let written = attack(&ended, "limited")["operations"].as_f64().unwrap() * f64::from(64 << 10);
    let charged = peak as f64 * on_ms / 1e3;
    assert!(written > charged * 0.8 && written < charged * 4.0, "{written} {charged}");
}

/// Writers that wait for the device because of their limit end as soon as all others when the harness is killed.
pub fn throttled_ends_with_the_harness() {
    let program = Program::start(THROTTLED, &[]);
    program.wait_for_attack("limited");
    let attackers = || {
        let folders = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let ours = folders.filter(|it| std::fs::metadata(it).is_ok_and(|it| it.uid() >= FIRST_ID));
        // The dead, who wait for somebody to ask after them, have no command line.
        let lives = |it: &std::path::PathBuf| {
            std::fs::read(it.join("cmdline")).is_ok_and(|it| !it.is_empty())
        };
        ours.filter(lives).count()
    };
    std::thread::sleep(Duration::from_millis(200));
    assert!(attackers() > 8, "eight writers and who looks after them");
    kill(Pid::from_raw(program.pid()), Signal::SIGKILL).expect("it lives");
    let begun = Instant::now();
    while attackers() > 0 {
        assert!(begun.elapsed() < GONE, "{} are still there", attackers());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(program.finish().code, -1);
    while !leftovers().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", leftovers());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// With the harness and its guardian both killed while the disk is written to, the janitor takes the disk away.
pub fn killed() {
    let program = Program::start(LONG, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("open");
    let run = started["run_id"].as_str().unwrap().to_owned();
    let devices = || {
        let text = std::fs::read_dir("/sys/block").unwrap().flatten().filter_map(|entry| {
            std::fs::read_to_string(entry.path().join("loop/backing_file")).ok()
        });
        text.filter(|file| file.contains(&run)).count()
    };
    assert_eq!(devices(), 1);
    for pid in [guardian_of(program.pid()), program.pid()] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
    }
    assert_eq!(program.finish().code, -1);
    let answer = Command::new(env!("CARGO_BIN_EXE_contain-test")).arg("clean").output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let begun = Instant::now();
    while devices() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the loop device is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}
