//! What the tests know of guests: their kernel, and the processes that are guests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use contain_test::engine::Event;
use contain_test::record::{Case, Report};
use contain_test::scenario::{Scenario, VmSpec, parse};
use contain_test::vm::{self, Kernel, Limits, VmOptions};

/// A fork bomb that takes no longer than it must.
pub const QUICK: &str = "version: 1\nname: quick\nattacker: {workload: forkbomb}\nnode: {pids: 128}\ntrials: {pairs: 2, budget: 1s, block: 100ms}\n\
                         configs:\n  - {name: open, expect: leaks}\n  - {name: held, limits: {pids: 64}}\n";

/// The kernel for guests: a vmlinuz or a package.
pub fn kernel() -> Option<PathBuf> {
    std::env::var_os("CONTAIN_TEST_VM_KERNEL").map(PathBuf::from)
}

/// Why no test here can run.
pub fn reason_not_to_run() -> Option<String> {
    if Command::new("qemu-system-x86_64").arg("--version").output().is_err() {
        return Some("qemu-system-x86_64 is not installed: apt-get install qemu-system-x86".into());
    }
    Kernel::find(kernel().as_deref())
        .err()
        .map(|error| format!("{error}; or set CONTAIN_TEST_VM_KERNEL"))
}

/// The options of the command line that name the kernel.
pub fn kernel_options() -> Vec<String> {
    kernel().map_or_else(Vec::new, |path| vec![format!("--kernel={}", path.display())])
}

/// Options of a run in this process: in a hurry, because an emulated machine is never asked how fast something is.
pub fn options(limits: Limits) -> VmOptions {
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_contain-test")));
    VmOptions { quick: true, kernel: kernel(), program, limits, ..VmOptions::default() }
}

/// A scenario whose configs run in a guest with these keys.
pub fn in_guest(text: &str, keys: &str) -> Scenario {
    let text = format!("{text}machine: {{vm: {{{keys}}}}}\n");
    parse("/nonexistent/quick.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Runs a scenario in this process, and tells each event to `told`.
pub fn run(
    mut scenario: Scenario,
    options: &VmOptions,
    mut told: impl FnMut(&Event),
) -> (Report, u8) {
    if options.quick {
        scenario.hurry();
    }
    let outcome = vm::run(&[scenario], options, &mut told).expect("a run");
    (outcome.report, outcome.exit_code)
}

/// The case of a config.
pub fn case<'a>(report: &'a Report, config: &str) -> &'a Case {
    let mut cases = report.scenarios.iter().flat_map(|scenario| &scenario.cases);
    cases.find(|case| case.config == config).unwrap_or_else(|| panic!("no case {config}"))
}

/// The guests that a process has started.
pub fn guests_of(parent: u32) -> Vec<i32> {
    every_process()
        .filter(|&pid| parent_of(pid).is_some_and(|it| u32::try_from(it) == Ok(parent)))
        .filter(|&pid| is_guest(pid))
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Guests that this program's tests have left behind: its descendants, and those whose harness is gone.
pub fn running_guests() -> Vec<i32> {
    let me = std::process::id();
    let ours = |pid: i32| {
        let ancestors = std::iter::successors(parent_of(pid), |&pid| parent_of(pid));
        let ancestors: Vec<i32> = ancestors.take_while(|&pid| pid > 0).collect();
        ancestors.len() < 2 || ancestors.iter().any(|&it| u32::try_from(it) == Ok(me))
    };
    every_process().filter(|&pid| is_guest(pid) && ours(pid)).collect()
}

/// Waits until a process has a guest.
pub fn wait_for_guest(parent: u32) -> i32 {
    let begun = Instant::now();
    loop {
        if let Some(&pid) = guests_of(parent).first() {
            return pid;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no guest was started");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// True until a process has ended, zombies included.
pub fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

fn every_process() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_guest(pid: i32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.starts_with(b"qemu-system-")
        && String::from_utf8_lossy(&line).contains("socket,id=link")
        && lives(pid)
}

/// The default guest with other keys.
pub fn spec(change: impl FnOnce(&mut VmSpec)) -> VmSpec {
    let mut spec = VmSpec::default();
    change(&mut spec);
    spec
}
