//! Runs that are ended early.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::serial::Program;

const OPEN: &str = "version: 1\nname: ending\ntrials: {pairs: 2, block: 100ms, budget: 1s}\nattacker: {workload: \
                    forkbomb}\nconfigs:\n  - name: open\n";

pub fn interrupt() {
    let program = Program::start(OPEN, &[]);
    program.wait_for_phase("sham", "blocks");
    program.signal(Signal::SIGINT);
    let ended = program.finish();
    assert_eq!(ended.code, 130, "{}", ended.errors);
    assert_eq!(ended.record["complete"], false);
    assert_eq!(ended.record["cleanup"]["complete"], true);
}

pub fn two_interrupts() {
    let program = Program::start(OPEN, &[]);
    program.wait_for_phase("sham", "blocks");
    program.signal(Signal::SIGINT);
    program.signal(Signal::SIGINT);
    assert_eq!(program.finish().code, 130);
}

pub fn termination() {
    let program = Program::start(OPEN, &[]);
    program.wait_for_attack("open");
    program.signal(Signal::SIGTERM);
    let ended = program.finish();
    assert_eq!(ended.code, 143, "{}", ended.errors);
    assert_eq!(ended.verdict("open"), "skipped");
}

/// With the node's tasks or all of its CPU time taken, progress goes on and Ctrl-C is heeded at once.
pub fn responsive_under_attack() {
    for attacker in ["forkbomb", "cpu-burn, threads: 256, intensity: 100"] {
        for placement in ["apart", "together"] {
            let text = format!(
                "version: 1\nname: busy\ntrials: {{pairs: 2, block: 100ms, budget: 1s}}\nplacement: {placement}\nattacker: {{workload: {attacker}}}\nconfigs:\n  - name: \
                 open\n"
            );
            let program = Program::start(&text, &[]);
            program.wait_for_attack("open");
            // Blocks of a quarter of a second end and begin: each of six events in a row comes in time.
            for _ in 0..6 {
                let waited = Instant::now();
                program.wait_for(|event| event["event"] != "run-started");
                assert!(waited.elapsed() < Duration::from_secs(2), "{attacker} {placement}");
            }
            let asked = Instant::now();
            program.signal(Signal::SIGINT);
            let ended = program.finish();
            assert_eq!(ended.code, 130, "{attacker} {placement}: {}", ended.errors);
            let took = asked.elapsed();
            assert!(took < Duration::from_secs(3), "{attacker} {placement}: ended after {took:?}");
        }
    }
}
