//! The first process of a native sandbox: does the inside steps of its plan, then executes the role.
//!
//! It is a fresh, single-threaded program, already in its cgroups and new namespaces, root there. Its plan comes first
//! on its standard input. A step that fails is reported in one line on its standard output, and it ends.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use contain_test_workloads as workloads;
use contain_test_workloads::protocol::Reply;
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource as Rlimit, setrlimit};
use nix::unistd::{
    Gid, Pid, Uid, chdir, execv, pivot_root, setgroups, sethostname, setresgid, setresuid,
};

use super::plan_stream::receive_plan;
use super::seccomp;
use super::stage_times::{StageTimes, monotonic_ns};
use super::{Failure, Step};
use crate::sys::{capability, descriptors, loopback, mounts, process};

const NONE: Option<&str> = None;

/// Does the steps. The last one executes the role, so this returns only when one of them failed, or when a role that
/// ran in place has ended.
///
/// # Errors
/// What failed, for people; the harness has been told.
pub fn run() -> Result<(), String> {
    let entered = monotonic_ns();
    read_plan().and_then(|steps| perform_all(&steps, entered)).map_err(|(step, error)| {
        let reply = Reply::SetUpFailed { step, error: error.clone() };
        if let Ok(mut line) = serde_json::to_vec(&reply) {
            line.push(b'\n');
            let _ = io::stdout().write_all(&line);
        }
        error
    })
}

fn read_plan() -> Result<Vec<Step>, Failure> {
    let at = |error: String| ("read the plan".to_owned(), error);
    process::die_with_parent().map_err(|errno| at(format!("{errno:?}")))?;
    match descriptors::close_inherited() {
        // Before Linux 5.9 a sandbox keeps what its caller left open without O_CLOEXEC.
        Ok(()) | Err(Errno::ENOSYS) => {}
        Err(errno) => return Err(at(format!("close_range: {errno:?}"))),
    }
    receive_plan(io::stdin()).map_err(|error| at(error.to_string()))
}

fn perform_all(steps: &[Step], entered: u64) -> Result<(), Failure> {
    if let [Step::ReportTimes, steps @ ..] = steps {
        return StageTimes::of(steps, entered, each, &mut io::stderr());
    }
    steps.iter().try_for_each(each)
}

fn each(step: &Step) -> Result<(), Failure> {
    if let Step::RunInPlace { arguments } = step {
        return run_in_place(arguments).map_err(|error| (step.to_string(), error));
    }
    perform(step).map_err(|errno| (step.to_string(), format!("{errno:?} ({})", errno.desc())))
}

fn run_in_place(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [role, order] if role == "__victim" => workloads::run_victim(order),
        [role, order] if role == "__attacker" => workloads::run_attacker(order),
        _ => Err("no such role".to_owned()),
    }
}

fn perform(step: &Step) -> Result<(), Errno> {
    match step {
        Step::ReleaseAffinity => release_affinity(),
        Step::MakeMountsPrivate => {
            mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        }
        Step::Mount { kind, at, options, read_only } => mount_new(kind, at, options, *read_only),
        Step::Bind { from, to, read_only } => bind(from, to, *read_only),
        Step::ShareMount { path, at, holder, .. } => {
            mounts::attach_from(holder.ok_or(Errno::ESRCH)?, path, Path::new(at))
        }
        Step::CreateDirectory { path } => fs::create_dir(path).map_err(|error| errno_of(&error)),
        Step::Link { target, at } => {
            std::os::unix::fs::symlink(target, at).map_err(|error| errno_of(&error))
        }
        Step::Mask { path } => mask(path),
        Step::ProtectPath { path } => protect(path),
        Step::PivotRoot { to } => pivot(to),
        Step::ProtectRoot => remount_read_only("/", MsFlags::MS_NOSUID | MsFlags::MS_NODEV),
        Step::SetHostname { name } => sethostname(name),
        Step::LoopbackUp => loopback::bring_up(),
        Step::SetRlimit { resource, value } => set_rlimit(resource, *value),
        Step::BoundCapabilities { keep } => capability::keep_in_bounding_set(keep),
        Step::BecomeUser { id, keep } => become_user(*id, keep),
        Step::NoNewPrivileges => process::no_new_privileges(),
        Step::FilterSystemCalls => seccomp::load(),
        Step::Execute { program, arguments } => execute(program, arguments),
        Step::ExecuteCommand { command } => execute_command(command),
        Step::Fail { .. } => Err(Errno::EIO),
        Step::ReportTimes
        | Step::RunInPlace { .. }
        | Step::Join { .. }
        | Step::Clone { .. }
        | Step::MapIds { .. } => Err(Errno::EINVAL),
    }
}

/// Asks for every CPU; the kernel gives those of the cpuset (sched_setaffinity(2)).
fn release_affinity() -> Result<(), Errno> {
    let mut all = CpuSet::new();
    for cpu in 0..CpuSet::count() {
        all.set(cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &all)
}

/// Nothing that a sandbox mounts may bring devices or set-user-ID programs; programs run from the root alone.
fn mount_new(kind: &str, at: &str, options: &str, read_only: bool) -> Result<(), Errno> {
    let mut flags = MsFlags::MS_NOSUID;
    if kind != "devpts" {
        flags |= MsFlags::MS_NODEV;
    }
    if kind != "tmpfs" {
        flags |= MsFlags::MS_NOEXEC;
    }
    if read_only {
        flags |= MsFlags::MS_RDONLY;
    }
    mount(Some(kind), at, Some(kind), flags, Some(options))
}

fn bind(from: &str, to: &str, read_only: bool) -> Result<(), Errno> {
    let is_directory = fs::metadata(from).map_err(|error| errno_of(&error))?.is_dir();
    if !Path::new(to).exists() {
        let made = if is_directory { fs::create_dir(to) } else { fs::File::create(to).map(drop) };
        made.map_err(|error| errno_of(&error))?;
    }
    // A bind of a tree must take its submounts along: without them a user namespace could uncover what they hide.
    let tree = if is_directory { MsFlags::MS_REC } else { MsFlags::empty() };
    mount(Some(from), to, NONE, MsFlags::MS_BIND | tree, NONE)?;
    if read_only {
        remount_read_only(to, flags_of(to))?;
    }
    Ok(())
}

fn mask(path: &str) -> Result<(), Errno> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    if metadata.is_dir() {
        let flags =
            MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some("size=0,mode=0555"))
    } else {
        mount(Some("/dev/null"), path, NONE, MsFlags::MS_BIND, NONE)
    }
}

fn protect(path: &str) -> Result<(), Errno> {
    if !Path::new(path).exists() {
        return Ok(());
    }
    mount(Some(path), path, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?;
    remount_read_only(path, flags_of(path))
}

fn remount_read_only(path: &str, keep: MsFlags) -> Result<(), Errno> {
    mount(
        NONE,
        path,
        NONE,
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | keep,
        NONE,
    )
}

/// The flags of a mount that a remount must repeat: in a user namespace they are locked, and leaving one out is refused.
fn flags_of(path: &str) -> MsFlags {
    use nix::sys::statvfs::{FsFlags, statvfs};
    let Ok(status) = statvfs(path) else { return MsFlags::empty() };
    [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ]
    .into_iter()
    .filter(|(shown, _)| status.flags().contains(*shown))
    .fold(MsFlags::empty(), |all, (_, flag)| all | flag)
}

/// The old root is stacked on the new one and then let go of (pivot_root(2), "pivot_root(".", ".")").
fn pivot(to: &str) -> Result<(), Errno> {
    chdir(to)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")
}

fn set_rlimit(resource: &str, value: u64) -> Result<(), Errno> {
    let resource = match resource {
        "CORE" => Rlimit::RLIMIT_CORE,
        "NOFILE" => Rlimit::RLIMIT_NOFILE,
        "NPROC" => Rlimit::RLIMIT_NPROC,
        _ => return Err(Errno::EINVAL),
    };
    setrlimit(resource, value, value)
}

fn become_user(id: u32, keep: &[u8]) -> Result<(), Errno> {
    setgroups(&[])?;
    if !keep.is_empty() {
        capability::outlive_the_user()?;
    }
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    capability::keep_in_effect(keep)
}

fn execute(program: &str, arguments: &[String]) -> Result<(), Errno> {
    let text = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let program = text(program)?;
    let mut all = vec![c"contain-test".to_owned()];
    for argument in arguments {
        all.push(text(argument)?);
    }
    execv(&program, &all).map(|_| ())
}

/// A program that is not there ends the process with 127, as it ends a container: what comes of that is for the restart policy.
fn execute_command(command: &[String]) -> Result<(), Errno> {
    let program = workloads::Program::new(command).map_err(|_| Errno::EINVAL)?;
    // The change of user has cleared it.
    process::die_with_parent()?;
    let ready = Reply::Ready { pid: std::process::id() };
    let mut line = serde_json::to_vec(&ready).map_err(|_| Errno::EINVAL)?;
    line.push(b'\n');
    io::stdout().write_all(&line).map_err(|error| errno_of(&error))?;
    program.become_it()
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
