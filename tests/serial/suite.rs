//! One test at a time, each followed by a check that nothing is left on the machine.

use std::process::{Command, ExitCode};
use std::time::Instant;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A named test.
pub type Test = (&'static str, fn());

/// Runs the tests. On a machine that cannot run sandboxes they are skipped with the reason, and fail under
/// `CONTAIN_TEST_MUST_RUN=1`. One that fails is run so many times before it has failed.
pub fn run_suite(tests: &[Test], tries: u32) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let unable = reason_not_to_run();
    let trials = tests
        .iter()
        .map(|&(name, test)| {
            let unable = unable.clone();
            Trial::ignorable_test(name, move || match unable {
                Some(reason) if must_run() => Err(Failed::from(reason)),
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => {
                    tried(name, test, tries).map(|()| Completion::Completed).map_err(Failed::from)
                }
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// How often a test that measures is run before it has failed: `CONTAIN_TEST_TRIES`, or once. What others do on a machine can spoil a
/// measurement, and hardly twice.
pub fn tries() -> u32 {
    std::env::var("CONTAIN_TEST_TRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Runs a test. A failure that another try follows is told, and what is left behind is never tried away.
fn tried(name: &str, test: fn(), tries: u32) -> Result<(), String> {
    for again in (0..tries.max(1)).rev() {
        let outcome = timed(name, test);
        let left = leftovers();
        match outcome {
            Ok(()) if left.is_empty() => return Ok(()),
            Ok(()) => return Err(left),
            Err(panic) if again > 0 && left.is_empty() => tell_first(name, &describe(&*panic)),
            Err(panic) => return Err(describe(&*panic) + &left),
        }
    }
    Err("it was never tried".to_owned())
}

#[expect(clippy::print_stderr, reason = "beside the lines of the test runner")]
fn tell_first(name: &str, why: &str) {
    eprintln!("{name} failed and is tried again: {why}");
}

/// Runs a test, and tells how long it took: where the minutes go is asked of every suite that needs the kernel.
#[expect(clippy::print_stderr, reason = "beside the lines of the test runner")]
fn timed(name: &str, test: fn()) -> std::thread::Result<()> {
    let begun = Instant::now();
    let outcome = std::panic::catch_unwind(test);
    eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    outcome
}

fn must_run() -> bool {
    std::env::var("CONTAIN_TEST_MUST_RUN").is_ok_and(|value| value == "1")
}

/// What `doctor` says is missing.
fn reason_not_to_run() -> Option<String> {
    let answer = Command::new(env!("CARGO_BIN_EXE_contain-test"))
        .args(["doctor", "--quick"])
        .output()
        .expect("doctor runs");
    (answer.status.code() != Some(0)).then(|| {
        format!("this machine cannot run sandboxes:\n{}", String::from_utf8_lossy(&answer.stdout))
    })
}

/// What the script that shares no code with the tool finds; empty when nothing is left.
pub fn leftovers() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/leftovers.sh");
    let answer = Command::new("sh").arg(script).output().expect("leftovers.sh runs");
    if answer.status.success() {
        return String::new();
    }
    let found = format!("left behind:\n{}", String::from_utf8_lossy(&answer.stdout));
    // The next test shall not stumble over it.
    let _ = Command::new(env!("CARGO_BIN_EXE_contain-test")).arg("clean").output();
    found
}

fn describe(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned() + "\n"
}
