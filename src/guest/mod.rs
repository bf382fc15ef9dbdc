//! The init of a throwaway guest: this binary alone is the whole user space of a virtual machine.
//!
//! As process 1 with the name `/init` it mounts what a Linux needs, runs one command line of this program, says on the
//! console how that ended and whether anything is left, and powers the machine off. The kernel's parameters tell it what
//! to do; `tests/vm/boot.sh` writes them. Nothing here runs on a host.

mod mounts;
mod parameters;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, sync};

use crate::cli::exit_code;
use parameters::Parameters;

const INIT: &str = "/init";
/// Begins the name of everything that a run makes.
const PREFIX: &str = "contain-test-";
const PAUSE: Duration = Duration::from_millis(5);

/// True for the first process of a guest. A sandbox's first process is number 1 too, but never has this name.
#[must_use]
pub fn is_init(arguments: &[OsString]) -> bool {
    std::process::id() == 1 && arguments.first().is_some_and(|name| name == INIT)
}

/// Does everything and powers off. It returns only where that fails; then the kernel panics, which ends the guest too.
#[must_use]
pub fn run() -> ExitCode {
    match boot() {
        Ok(code) => say(&format!("exit {code}")),
        Err(error) => {
            say(&error);
            say(&format!("exit {}", exit_code::HARNESS_ERROR));
        }
    }
    sync();
    let Err(errno) = reboot(RebootMode::RB_POWER_OFF);
    say(&format!("cannot power off: {errno}"));
    ExitCode::from(exit_code::HARNESS_ERROR)
}

fn say(text: &str) {
    let _ = writeln!(io::stdout(), "contain-test: {text}");
}

fn boot() -> Result<u8, String> {
    mounts::basic()?;
    let line = fs::read_to_string("/proc/cmdline")
        .map_err(|error| format!("cannot read /proc/cmdline: {error}"))?;
    let parameters = Parameters::parse(&line)?;
    mounts::cgroups(parameters.cgroup)?;
    let run = execute(&parameters.arguments, parameters.kill_after)?;
    let code = if parameters.kill_after.is_some() {
        say(&format!("the run ended with {run}; left before `clean`: {}", list(&leftovers())));
        execute(&["clean".to_owned()], None)?
    } else {
        run
    };
    let left = leftovers();
    say(&format!("left: {}", list(&left)));
    Ok(if left.is_empty() { code } else { exit_code::CLEANUP_FAILED })
}

/// Runs this program with these arguments, passes on what it prints, and reaps every orphan meanwhile. The output goes
/// through a pipe: a console is a terminal, and for one the program would draw progress.
fn execute(arguments: &[String], kill_after: Option<Duration>) -> Result<u8, String> {
    let failed = |error: io::Error| format!("cannot run {}: {error}", arguments.join(" "));
    let (mut output, theirs) = io::pipe().map_err(failed)?;
    let mut command = Command::new(INIT);
    command.arg0(env!("CARGO_PKG_NAME")).args(arguments).stdin(Stdio::null());
    command.stderr(theirs.try_clone().map_err(failed)?).stdout(theirs);
    let child = command.spawn().map_err(failed)?;
    // The command holds the pipe's writing end, and the copy below ends with the last of them.
    drop(command);
    let copy = std::thread::spawn(move || io::copy(&mut output, &mut io::stdout()));
    let child = Pid::from_raw(child.id().cast_signed());
    let mut deadline = kill_after.map(|after| Instant::now() + after);
    let code = loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let _ = kill(child, Signal::SIGKILL);
            deadline = None;
        }
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => break code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => break 128 + signal as i32,
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Ok(_) => {}
            Err(errno) => return Err(format!("cannot wait for the run: {errno}")),
        }
    };
    let _ = copy.join();
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Processes besides this one, and cgroups, mounts and directories with a run's name.
fn leftovers() -> Vec<String> {
    while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive)
    {
    }
    let processes = entries(Path::new("/proc"))
        .filter_map(|path| path.file_name()?.to_str()?.parse::<u32>().ok())
        .filter(|&pid| pid != 1)
        // The kernel's own threads have no command line, nor have the dead.
        .filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()))
        .count();
    let mut left = Vec::new();
    if processes > 0 {
        left.push(format!("{processes} processes"));
    }
    let cgroups = Path::new(mounts::CGROUPS);
    let folders = [Path::new("/run").to_owned(), cgroups.to_owned()];
    let named = folders.into_iter().chain(entries(cgroups).filter(|path| path.is_dir())).flat_map(
        |folder| {
            entries(&folder)
                .filter(|path| {
                    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
                })
                .collect::<Vec<_>>()
        },
    );
    left.extend(named.map(|path| path.display().to_string()));
    let mounted = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    left.extend(
        mounted.lines().filter(|line| line.contains(PREFIX)).map(|line| format!("mount {line}")),
    );
    left
}

fn entries(folder: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn list(left: &[String]) -> String {
    if left.is_empty() { "nothing".to_owned() } else { left.join(", ") }
}
