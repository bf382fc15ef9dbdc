//! Runs that are ended early.

use nix::sys::signal::Signal;

use crate::serial::Program;

const OPEN: &str =
    "version: 1\nname: ending\nattacker: {workload: forkbomb}\nconfigs:\n  - name: open\n";

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
