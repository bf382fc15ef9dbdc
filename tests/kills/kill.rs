//! One run that is killed, and what becomes of what it made.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::look::processes_of_sandboxes;
use crate::point::Phase;
use crate::serial::{Program, find_guardian_of, leftovers};

/// Short, but with every phase: one pair of blocks of each kind and one round more.
const SCENARIO: &str = "version: 1\nname: killed\nattacker: {workload: forkbomb}\ntrials: {pairs: 1, budget: 1s, block: \
                        100ms}\nconfigs:\n  - name: open\n  - name: limited\n    limits: {pids: 64}\n";
/// The same with everything else that a node may have, while its disk is written to at a rate that makes the writers wait.
const WITH_PARTS: &str = "version: 1\nname: killed\nnode: {disk: 16Mi, uplink: 10M}\nattacker: {workload: io-drain}\ntrials: {pairs: 1, budget: 1s, \
                          block: 100ms}\nconfigs:\n  - name: open\n  - name: limited\n    limits: {io: {wbps: 1Mi}, net: 1M}\n";
/// The promise: sandboxes die with their harness within a second.
const SANDBOXES_GONE: Duration = Duration::from_secs(1);
/// The guardian takes the rest down.
const ALL_GONE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Harness,
    Guardian,
    Both,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Harness, Self::Guardian, Self::Both];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Harness => "harness",
            Self::Guardian => "guardian",
            Self::Both => "both",
        }
    }
}

/// How a killed run ended.
pub struct Death {
    /// The phase in which the kill met it.
    pub phase: Phase,
    pub processes_gone_ms: u128,
    pub needed_clean: bool,
}

/// Runs a scenario and kills in this phase of one of its cases, at a time within it that `number` picks: by turns the open fork bomb, and the
/// writers that their limit holds.
pub fn killed(phase: Phase, kind: Kind, number: u32) -> Death {
    let (scenario, config) =
        if number.is_multiple_of(2) { (SCENARIO, "open") } else { (WITH_PARTS, "limited") };
    let program = Program::start(scenario, &[]);
    let harness = program.pid();
    let (mut at, mut guardian) = (Phase::Start, None);
    program.wait_for(|event| {
        // Looked for early: it takes longer than some phases.
        if phase != Phase::Start && kind != Kind::Harness && guardian.is_none() {
            guardian = find_guardian_of(harness);
        }
        let of_the_case = phase == Phase::Start || event["config"] == config;
        at = Phase::begun_by(event).unwrap_or(at);
        of_the_case && Phase::begun_by(event) == Some(phase)
    });
    // Fibonacci hashing spreads the times evenly.
    let share = u64::from(number.wrapping_mul(0x9E37_79B9) >> 16);
    thread::sleep(Duration::from_micros(phase.length_us() * share / 65_536));
    if phase == Phase::Start && kind != Kind::Harness {
        guardian = find_guardian_of(harness);
    }
    let victims = match kind {
        Kind::Harness => vec![harness],
        Kind::Guardian => guardian.into_iter().collect(),
        Kind::Both => guardian.into_iter().chain([harness]).collect(),
    };
    for pid in victims {
        // It may have ended by itself in between.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let begun = Instant::now();
    let what = format!("{} killed in {}", kind.name(), phase.name());
    let processes_gone_ms = wait_for_processes(&what, begun, kind);
    let ended = program.finish();
    // A harness whose guardian died goes on to take everything down.
    let later = ended.events.iter().rev().find_map(Phase::begun_by);
    let phase = if kind == Kind::Guardian { at } else { later.unwrap_or(at) };
    if kind == Kind::Guardian {
        assert!(matches!(ended.code, 0 | 4 | 5), "{what}: exit {}: {}", ended.code, ended.errors);
    }
    if kind == Kind::Both {
        let answer = clean();
        assert!(answer.status.success(), "{what}: {answer:?}");
        assert!(clean().status.success(), "{what}: a second time");
    }
    let left = wait_for_the_rest(begun);
    assert!(left.is_empty(), "{what} ({} by its events): {left}{}", phase.name(), ended.errors);
    Death { phase, processes_gone_ms, needed_clean: kind == Kind::Both }
}

fn wait_for_processes(what: &str, begun: Instant, kind: Kind) -> u128 {
    // With only the guardian dead, the harness ends the run in its own order.
    let limit = if kind == Kind::Guardian { ALL_GONE } else { SANDBOXES_GONE };
    while processes_of_sandboxes() > 0 {
        assert!(begun.elapsed() < limit, "{what}: sandboxes are still alive after {limit:?}");
        thread::sleep(Duration::from_millis(1));
    }
    if kind == Kind::Guardian { 0 } else { begun.elapsed().as_millis() }
}

fn wait_for_the_rest(begun: Instant) -> String {
    loop {
        let left = leftovers();
        if left.is_empty() || begun.elapsed() > ALL_GONE {
            return left;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn clean() -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_contain-test")).arg("clean").output().expect("clean runs")
}
