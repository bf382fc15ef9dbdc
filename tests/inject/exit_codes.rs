//! Every exit code of the contract, in every format: what goes to stdout must not decide what a script can act on.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_contain-test");
const FORMATS: [&str; 5] = ["table", "json", "markdown", "junit", "jsonl"];
/// Denials need no pairs, and speed cannot be judged with one.
const FEW: (&str, &str) = ("CONTAIN_TEST_INJECT_PAIRS", "1,1");
/// No run here takes longer.
const LIMIT: Duration = Duration::from_secs(60);

fn open(expect: &str) -> String {
    format!(
        "version: 1\nname: codes\ntrials: {{block: 100ms, budget: 1s}}\nattacker: {{workload: forkbomb}}\nconfigs:\n  - name: open\n    expect: {expect}\n"
    )
}

fn limited() -> String {
    open("leaks") + "  - {name: limited, limits: {pids: 16}, expect: contained}\n"
}

fn command(program: &Path, folder: &Path, text: &str, format: &str) -> Command {
    let scenario = folder.join("codes.yaml");
    std::fs::write(&scenario, text).expect("a scenario");
    let mut command = Command::new(program);
    command.args(["run", "--quiet", "--format", format]).arg(scenario).env(FEW.0, FEW.1);
    command
}

fn code(command: &mut Command) -> i32 {
    let answer = command.output().expect("the program runs");
    answer.status.code().unwrap_or(-1)
}

/// A copy that any user may execute, with its folder.
fn for_anybody(folder: &Path) -> PathBuf {
    let copy = folder.join("contain-test");
    std::fs::copy(PROGRAM, &copy).expect("a copy");
    for path in [folder, &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    copy
}

/// Waits until the run has its folder: from then on it takes signals.
fn wait_until_it_runs(child: &mut Child) {
    let begun = Instant::now();
    loop {
        let has_begun = std::fs::read_dir("/run")
            .expect("/run")
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("contain-test-"));
        if has_begun {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "it did not begin");
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it began");
        thread::sleep(Duration::from_millis(5));
    }
}

fn code_after(signal: Signal, command: &mut Command) -> i32 {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    wait_until_it_runs(&mut child);
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("it lives");
    child.wait().expect("a child").code().unwrap_or(-1)
}

/// One run for each code and format.
pub fn all() {
    let folder = tempfile::tempdir().expect("a folder");
    let anybody = for_anybody(folder.path());
    for format in FORMATS {
        let of = |text: &str| command(Path::new(PROGRAM), folder.path(), text, format);
        let leaves = || {
            let code = code(of(&open("leaks")).env("CONTAIN_TEST_INJECT_LEFTOVER", "1"));
            // The ledger stayed, so that this is possible.
            let cleaned = Command::new(PROGRAM).arg("clean").output().expect("clean runs");
            assert!(cleaned.status.success(), "{cleaned:?}");
            code
        };
        let user = |text: &str| {
            let mut command = command(&anybody, folder.path(), text, format);
            command.uid(65534).gid(65534);
            command
        };
        let panics = |text: &str| {
            let mut command = of(text);
            command.env("CONTAIN_TEST_INJECT_PANIC", "open/warm-up");
            command
        };
        let seen = [
            (0, code(&mut of(&open("leaks")))),
            (1, code(&mut of(&open("harmless")))),
            (2, code(&mut of(&open("banana")))),
            (3, code(&mut user(&open("leaks")))),
            (4, code(&mut of(&limited()))),
            (5, code(&mut panics(&open("leaks")))),
            (6, leaves()),
            (130, code_after(Signal::SIGINT, &mut of(&limited()))),
            (143, code_after(Signal::SIGTERM, &mut of(&limited()))),
        ];
        for (expected, code) in seen {
            assert_eq!(code, expected, "--format {format}");
        }
    }
}
