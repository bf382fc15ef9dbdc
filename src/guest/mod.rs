//! Inside a throwaway guest: this binary alone is the whole user space of a virtual machine.
//!
//! As process 1 with the name `/init` it mounts what a Linux needs, loads the modules it was given, starts the harness or another program as a
//! process of its own, tells the host how that ended and whether anything is left, and powers the machine off. What to do lies in
//! a file of the initramfs (`vm::job`). Nothing here runs on a host.

mod leftovers;
mod mounts;
mod run;
mod voice;

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, sync};

use crate::cli::exit_code;
use crate::vm::job::{INIT, Job, Task};
use crate::vm::link::Said;
use leftovers::leftovers;
use voice::{Voice, now_ms};

pub use run::run as run_harness;

/// The hidden role of the harness in a guest.
pub const HARNESS: &str = "__guest";

const PAUSE: Duration = Duration::from_millis(5);

/// True for the first process of a guest. A sandbox's first process is number 1 too, but never has this name.
#[must_use]
pub fn is_init(arguments: &[OsString]) -> bool {
    std::process::id() == 1 && arguments.first().is_some_and(|name| name == INIT)
}

/// Does everything and powers off. It returns only where that fails; then the kernel panics, which ends the guest too.
#[must_use]
pub fn run() -> ExitCode {
    match mounts::basic().and_then(|()| Voice::open()) {
        Ok(mut voice) => {
            let last = live(&mut voice).unwrap_or_else(|reason| Said::Failed { reason });
            voice.end_line();
            voice.say(&last);
        }
        // Without a line to the host there is only the console, which the host shows.
        Err(error) => {
            let _ = io::Write::write_all(&mut io::stdout(), format!("{error}\n").as_bytes());
        }
    }
    sync();
    let _ = reboot(RebootMode::RB_POWER_OFF);
    ExitCode::from(exit_code::HARNESS_ERROR)
}

fn live(voice: &mut Voice) -> Result<Said, String> {
    voice.say(&Said::Hello { at_ms: now_ms() });
    let job = run::read_job()?;
    mounts::cgroups(job.cgroup)?;
    voice.say(&Said::Mounted { at_ms: now_ms() });
    prepare(&job)?;
    voice.say(&Said::Up { at_ms: now_ms() });
    let code = match &job.task {
        Task::Run(_) => {
            let mut command = Command::new(INIT);
            command.arg0(env!("CARGO_PKG_NAME")).arg(HARNESS);
            if job.disk.is_some() {
                command.env("TMPDIR", mounts::DISK);
            }
            watch(command.stdin(Stdio::null()))?
        }
        Task::Execute { command, environment } => execute(command, environment, voice)?,
    };
    Ok(Said::Over { code, left: leftovers() })
}

/// Loads modules, and takes swap and disk into use.
fn prepare(job: &Job) -> Result<(), String> {
    for path in &job.modules {
        let loaded = File::open(path).map_err(|error| error.to_string()).and_then(|file| {
            finit_module(&file, &CString::default(), ModuleInitFlags::empty())
                .or_else(|errno| match errno {
                    nix::errno::Errno::EEXIST => Ok(()),
                    errno => Err(errno),
                })
                .map_err(|errno| errno.to_string())
        });
        loaded.map_err(|error| format!("cannot load the module {path}: {error}"))?;
    }
    for device in job.swap.iter().chain(&job.disk) {
        mounts::wait_for(Path::new(device))?;
    }
    if let Some(device) = &job.swap {
        crate::sys::swap::on(Path::new(device))
            .map_err(|errno| format!("cannot swap to {device}: {errno}"))?;
    }
    if let Some(device) = &job.disk {
        mounts::disk(device)?;
    }
    // The kernel allows the first process half of its table of tasks, and container engines and systemd's services take that limit
    // away. Under it no user's processes could be too many for a machine without a node.
    setrlimit(Resource::RLIMIT_NPROC, libc::RLIM_INFINITY, libc::RLIM_INFINITY)
        .map_err(|errno| format!("cannot lift RLIMIT_NPROC: {errno}"))
}

/// Runs a program and hands over what it writes, line by line.
fn execute(
    command: &[String],
    environment: &[(String, String)],
    voice: &mut Voice,
) -> Result<i32, String> {
    let (program, arguments) = command.split_first().ok_or("there is no program to run")?;
    let failed = |error: io::Error| format!("cannot run {program}: {error}");
    let (mut output, theirs) = io::pipe().map_err(failed)?;
    let mut child = Command::new(program);
    child.args(arguments).envs(environment.iter().cloned()).stdin(Stdio::null());
    child.stderr(theirs.try_clone().map_err(failed)?).stdout(theirs);
    let spawned = child.spawn().map_err(failed)?;
    // The command holds the pipe's writing end, and what is read below ends with the last of them.
    drop(child);
    let reaper = std::thread::spawn(move || reap_until(spawned.id()));
    let mut buffer = [0; 4096];
    let mut text = Vec::new();
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        text.extend_from_slice(&buffer[..count]);
        if let Some(end) = text.iter().rposition(|&byte| byte == b'\n') {
            let rest = text.split_off(end + 1);
            voice.say(&Said::Output(String::from_utf8_lossy(&text).into_owned()));
            text = rest;
        }
    }
    if !text.is_empty() {
        voice.say(&Said::Output(String::from_utf8_lossy(&text).into_owned()));
    }
    reaper.join().map_err(|_| "init's reaper panicked".to_owned())?
}

/// Runs a program whose output is the console's.
fn watch(command: &mut Command) -> Result<i32, String> {
    let child = command.spawn().map_err(|error| format!("cannot run {INIT}: {error}"))?;
    reap_until(child.id())
}

/// Reaps every orphan until this child has ended. Its exit code, or 128 and its signal.
fn reap_until(child: u32) -> Result<i32, String> {
    let child = Pid::from_raw(child.cast_signed());
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Ok(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return Ok(128 + signal as i32);
            }
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Ok(_) => {}
            Err(errno) => return Err(format!("cannot wait for the program: {errno}")),
        }
    }
}
