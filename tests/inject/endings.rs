//! Runs that are ended in every phase, by signals and by panics.

use nix::sys::signal::Signal;

use crate::serial::{Ended, Program};

const OPEN: &str =
    "version: 1\nname: ending\nattacker: {workload: forkbomb}\nconfigs:\n  - name: open\n";
/// With a case after the open one: a signal in the open one's last phase finds the run unfinished, however late it comes.
const TWO: &str = "version: 1\nname: ending\nattacker: {workload: forkbomb}\nconfigs:\n  - name: open\n  - name: \
                   limited\n    limits: {pids: 16}\n";
const PHASES: [&str; 6] = ["set-up", "warm-up", "blocks", "recovery", "tear-down", "residue-check"];
const FEW: (&str, &str) = ("CONTAIN_TEST_INJECT_PAIRS", "1,1");

fn assert_nothing_left(ended: &Ended, what: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/leftovers.sh");
    let answer = std::process::Command::new("sh").arg(script).output().unwrap();
    let left = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(answer.status.success(), "{what}: {left}{}", ended.errors);
}

pub fn signals() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        for phase in PHASES {
            let program = Program::start(TWO, &[FEW]);
            program.wait_for_phase("open", phase);
            program.signal(signal);
            let ended = program.finish();
            let what = format!("{signal} in {phase}");
            assert_nothing_left(&ended, &what);
            assert_eq!(ended.code, code, "{what}: {}", ended.errors);
        }
        let program = Program::start(TWO, &[FEW]);
        program.wait_for_attack("open");
        program.signal(signal);
        let ended = program.finish();
        assert_nothing_left(&ended, &format!("{signal} under attack"));
        assert_eq!(ended.code, code);
    }
}

pub fn panics() {
    for point in PHASES.into_iter().chain(["attack-on"]) {
        let at = format!("open/{point}");
        let program = Program::start(OPEN, &[FEW, ("CONTAIN_TEST_INJECT_PANIC", &at)]);
        let ended = program.finish();
        assert_nothing_left(&ended, &format!("panic at {point}"));
        assert_eq!(ended.code, 5, "{at}: {}", ended.errors);
        assert!(ended.errors.contains("injected panic"), "{at}: {}", ended.errors);
    }
}

/// Every case goes through the same phases, and its blocks come in pairs of neighbours.
pub fn order() {
    let program = Program::start(OPEN, &[("CONTAIN_TEST_INJECT_PAIRS", "2,1")]);
    let mut seen = Vec::new();
    program.wait_for(|event| event["event"] == "case-started" && event["config"] == "open");
    // Cells are for the closure, which is asked about each event in turn.
    let log = std::cell::RefCell::new(&mut seen);
    program.wait_for(|event| {
        let word = match event["event"].as_str() {
            Some("phase-started") => event["phase"].as_str(),
            Some("block-started") => event["state"].as_str(),
            _ => None,
        };
        log.borrow_mut().extend(word.map(str::to_owned));
        event["event"] == "case-finished"
    });
    let expected = "set-up warm-up blocks off on on off off on recovery tear-down residue-check";
    assert_eq!(seen.join(" "), expected);
    program.finish();
}
