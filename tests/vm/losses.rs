//! Guests that are lost while a case runs: that is what the case found, and no failure of the harness.

use std::time::{Duration, Instant};

use contain_test::engine::Event;
use contain_test::record::{BlockState, Case, Report, Verdict};
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
    let text = QUICK.replace("{pids: 128}", "{memory: 64Mi, pids: 4096}");
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
    let (report, code) = run(in_guest(text, ""), &options(Limits::default()), |_| {});
    let open = case(&report, "open");
    assert!(!open.node.guard);
    // What became of it is a finding, whatever it is; an error would be a fault of ours.
    assert!(!matches!(open.verdict, Verdict::Error | Verdict::Skipped), "{}", open.reason);
    assert!(open.verdict == Verdict::Lost || open.attack.peak > 2048, "{:?}", open.attack);
    if open.verdict == Verdict::Lost {
        assert!(open.reason.contains("went down under attack. "), "how is said: {}", open.reason);
    }
    assert!(matches!(code, 0 | 4), "{code}");
    None
}

/// The node and its neighbour are one machine, and that is short of memory: the kernel's OOM killer takes workers, or the whole guest goes down.
pub fn unguarded_memory_eater() -> Option<String> {
    // What the kernel keeps for itself makes the guest small: an emulated machine fills half a gigabyte before the attack counts as on, and no more.
    let open = unguarded("{workload: memory-eater}", "sysctls: {vm.min_free_kbytes: 500000}\n");
    if open.verdict != Verdict::Lost {
        let of = |count: Option<u64>| count.expect("the kernel's count");
        let (attacker, victim) = (of(open.oom_kills.attacker), of(open.oom_kills.victim));
        assert!(attacker + victim > 0, "{:?} {}", open.oom_kills, open.reason);
        assert!(open.attack.kills <= attacker, "{:?} {:?}", open.attack, open.oom_kills);
        assert!(open.attack.peak_bytes > Some(256 << 20), "{:?}", open.attack);
        if victim > 0 {
            assert_eq!(open.verdict, Verdict::Denied, "{}", open.reason);
        }
    }
    None
}

/// The table of open files is full for everybody without CAP_SYS_ADMIN, the neighbour too. Each worker alone meets its RLIMIT_NOFILE of 4096, so it takes several.
pub fn unguarded_descriptors() -> Option<String> {
    let open =
        unguarded("{workload: fd-exhaust, processes: 16}", "sysctls: {fs.file-max: 20000}\n");
    if open.verdict != Verdict::Lost {
        assert_eq!(open.verdict, Verdict::Denied, "{}", open.reason);
        let refused = open.attack.refusals.get("ENFILE").copied();
        assert!(refused > Some(0), "the whole system's table: {:?}", open.attack);
        assert!(open.attack.peak > 4096 && open.attack.peak <= 20_000, "{:?}", open.attack);
        let cell = open.cells.iter().find(|cell| cell.probe == "files/open").expect("a cell");
        assert!(cell.failures.contains_key("ENFILE"), "{:?}", cell.failures);
    }
    None
}

/// One attack that has a small guest to itself. Whatever became of it is a finding, and an error would be a fault of ours.
fn unguarded(attacker: &str, more: &str) -> Case {
    let text = format!(
        "version: 1\nname: unguarded\nattacker: {attacker}\nnode: none\ntrials: {{pairs: 2, block: 100ms, budget: 1s}}\n{more}\
         configs: [{{name: open}}]\n"
    );
    let (report, code) =
        run(in_guest(&text, "memory: 1280Mi"), &options(Limits::default()), |_| {});
    let open = case(&report, "open").clone();
    assert!(!open.node.guard);
    assert!(!matches!(open.verdict, Verdict::Error | Verdict::Skipped), "{}", open.reason);
    assert!(matches!(code, 0 | 4), "{code}");
    assert!(report.complete && report.cleanup.complete, "the host is as it was");
    open
}
