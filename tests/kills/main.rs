//! Runs that are killed with SIGKILL in every phase: the harness, its guardian, and both at once. Whatever dies, nothing may
//! be left: at once where one of the two lives on, and after `clean` where both died. What is left is counted by a script
//! that shares no code with the tool.
//!
//! `CONTAIN_TEST_KILLS=N cargo test --release --test kills -- --nocapture` kills N times each kind in each phase (1 without
//! it, which takes about two minutes) and prints the count; 9 are more than 200 runs.

#[path = "../serial/mod.rs"]
mod serial;

mod kill;
mod look;
mod point;

use std::collections::BTreeMap;
use std::process::ExitCode;

use kill::{Kind, killed};
use point::Phase;

fn main() -> ExitCode {
    serial::run_suite(&[("runs_killed_in_every_phase_leave_nothing", rounds)], 1)
}

/// Phases are short and a kill comes when it comes, so it is counted for the phase in which the run really was, and tried until
/// each has its number.
#[expect(clippy::print_stdout, reason = "the count is what the command is for")]
fn rounds() {
    let wanted: u32 = std::env::var("CONTAIN_TEST_KILLS").map_or(1, |text| text.parse().unwrap());
    let mut counts: BTreeMap<(Phase, Kind), u32> = BTreeMap::new();
    let (mut runs, mut cleaned, mut slowest_ms) = (0_u32, 0_u32, 0);
    let most = wanted * 24 * 4 + 24;
    while let Some((phase, kind)) = lacking(&counts, wanted) {
        assert!(runs < most, "{most} runs were not enough to kill in every phase: {counts:?}");
        let death = killed(phase, kind, runs);
        runs += 1;
        *counts.entry((death.phase, kind)).or_default() += 1;
        slowest_ms = slowest_ms.max(death.processes_gone_ms);
        cleaned += u32::from(death.needed_clean);
    }
    print(&counts);
    println!(
        "{runs} runs killed: 0 processes, cgroups, mounts, loop devices, links, namespaces or ledgers left \
         ({cleaned} of them after `clean`); sandboxes were gone after {slowest_ms} ms at most"
    );
}

fn lacking(counts: &BTreeMap<(Phase, Kind), u32>, wanted: u32) -> Option<(Phase, Kind)> {
    Phase::ALL
        .into_iter()
        .flat_map(|phase| Kind::ALL.map(|kind| (phase, kind)))
        .filter(|cell| counts.get(cell).copied().unwrap_or(0) < wanted)
        .min_by_key(|cell| counts.get(cell).copied().unwrap_or(0))
}

#[expect(clippy::print_stdout, reason = "the count is what the command is for")]
fn print(counts: &BTreeMap<(Phase, Kind), u32>) {
    let names = Kind::ALL.map(Kind::name);
    println!("\n{:<14} {:>9} {:>9} {:>9}", "killed in", names[0], names[1], names[2]);
    for phase in Phase::ALL {
        let [a, b, c] = Kind::ALL.map(|kind| counts.get(&(phase, kind)).copied().unwrap_or(0));
        println!("{:<14} {a:>9} {b:>9} {c:>9}", phase.name());
    }
}
