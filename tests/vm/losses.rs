//! Guests that are lost while a case runs: that is what the case found, and no failure of the harness.

use std::time::{Duration, Instant};

use contain_test::engine::Event;
use contain_test::record::{BlockState, Report, Verdict};
use contain_test::vm::Limits;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::guest::{QUICK, case, guests_of, in_guest, options, run};

fn attack_is_on(event: &Event, wanted: &str) -> bool {
    matches!(event, Event::AttackChanged { config, state: BlockState::On, .. } if config == wanted)
}

fn signal_guests(signal: Signal) {
    for pid in guests_of(std::process::id()) {
        kill(Pid::from_raw(pid), signal).expect("a guest");
    }
}

/// The open case is lost, the other one has run in another boot.
fn assert_lost_and_booted_anew(report: &Report, code: u8, words: &[&str]) {
    let open = case(report, "open");
    assert_eq!(open.verdict, Verdict::Lost, "{}", open.reason);
    for word in words {
        assert!(open.reason.contains(word), "no word of {word}: {}", open.reason);
    }
    assert_eq!(open.expectations[0].met, Some(true), "lost is a leak");
    let held = case(report, "held");
    assert!(!held.blocks.is_empty(), "{}", held.reason);
    assert_eq!(held.ceiling.as_ref().map(|ceiling| ceiling.kept), Some(true));
    let guest = report.machines[0].guest.as_ref().expect("what its host knows");
    assert_eq!(guest.boots, 2);
    assert!(matches!(code, 0 | 4), "{code}");
    assert!(report.complete && report.cleanup.complete);
}

pub fn killed_from_outside() -> Option<String> {
    let mut killed = false;
    let (report, code) = run(in_guest(QUICK, ""), &options(Limits::default()), |event| {
        if !killed && attack_is_on(event, "open") {
            signal_guests(Signal::SIGKILL);
            killed = true;
        }
    });
    assert_lost_and_booted_anew(&report, code, &["killed by signal 9", "with the attack on"]);
    None
}

/// The node runs out of memory before it runs out of tasks, and the kernel was told to make a panic of that.
pub fn panics() -> Option<String> {
    let text = format!("{QUICK}node: {{memory: 64Mi, pids: 4096}}\n");
    let scenario = in_guest(&text, "append: sysctl.vm.panic_on_oom=2");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert_lost_and_booted_anew(&report, code, &["its kernel panicked", "panic_on_oom"]);
    let guest = report.machines[0].guest.as_ref().expect("what its host knows");
    assert!(guest.console.iter().any(|line| line.contains("Kernel panic")), "{:?}", guest.console);
    None
}

pub fn hangs() -> Option<String> {
    let limits = Limits { silence: Duration::from_secs(8), ..Limits::default() };
    let mut stopped = None;
    let (report, code) = run(in_guest(QUICK, ""), &options(limits), |event| {
        if stopped.is_none() && attack_is_on(event, "open") {
            signal_guests(Signal::SIGSTOP);
            stopped = Some(Instant::now());
        }
        if let (Event::GuestLost { .. }, Some(since)) = (event, stopped) {
            let took = since.elapsed();
            assert!(took > limits.silence && took < limits.silence * 2, "{took:?}");
        }
    });
    assert_lost_and_booted_anew(&report, code, &["no word from it for 8 s"]);
    None
}

pub fn unguarded_fork_bomb() -> Option<String> {
    let text = "version: 1\nname: unguarded\nattacker: {workload: forkbomb}\nnode: none\ntrials: {pairs: 2, budget: \
                1s}\nconfigs: [{name: open}]\n";
    // So few that an emulated CPU can fork them in the time that an attack may take to grow.
    let keys = "append: sysctl.kernel.pid_max=4096";
    let (report, code) = run(in_guest(text, keys), &options(Limits::default()), |_| {});
    let open = case(&report, "open");
    assert!(!open.node.guard);
    // What became of it is a finding, whatever it is; an error would be a fault of ours.
    assert!(!matches!(open.verdict, Verdict::Error | Verdict::Skipped), "{}", open.reason);
    assert!(open.verdict == Verdict::Lost || open.attack.peak > 2048, "{:?}", open.attack);
    assert!(matches!(code, 0 | 4), "{code}");
    None
}
