//! Runs that are ended from outside: no guest lives on.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::guest::{QUICK, kernel_options, lives, wait_for_guest};
use crate::serial::Program;

fn started() -> (Program, i32) {
    let options = [vec!["--vm".to_owned()], kernel_options()].concat();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let program = Program::start_with(&options, QUICK, &[]);
    let guest = wait_for_guest(u32::try_from(program.pid()).expect("a process ID"));
    (program, guest)
}

fn assert_gone(guest: i32) {
    let begun = Instant::now();
    while lives(guest) {
        assert!(begun.elapsed() < Duration::from_secs(5), "the guest {guest} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn interrupt() -> Option<String> {
    let (program, guest) = started();
    program.wait_for_attack("open");
    program.signal(Signal::SIGINT);
    let ended = program.finish();
    assert_eq!(ended.code, 130, "{}", ended.errors);
    assert_gone(guest);
    assert_eq!(ended.record["complete"], false);
    assert_ne!(ended.verdict("sham"), "skipped", "what had run stays");
    for config in ["open", "held"] {
        assert_eq!(ended.verdict(config), "skipped");
        assert_eq!(ended.case(config)["reason"], "stopped by signal 2");
    }
    None
}

pub fn termination_at_boot() -> Option<String> {
    let (program, guest) = started();
    program.signal(Signal::SIGTERM);
    let ended = program.finish();
    assert_eq!(ended.code, 143, "{}", ended.errors);
    assert_gone(guest);
    assert_eq!(ended.verdict("sham"), "skipped");
    None
}

pub fn harness_killed() -> Option<String> {
    let (program, guest) = started();
    program.wait_for_attack("open");
    program.signal(Signal::SIGKILL);
    assert_eq!(program.finish().code, -1);
    assert_gone(guest);
    None
}
