//! The native runtime: clone3, namespaces and cgroups, without anybody's help.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use contain_test_workloads::protocol::Reply;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, pipe2};

use super::Runtime;
use crate::cgroup::{CgroupError, Group, Setting};
use crate::sandbox::plan_stream::send_plan;
use crate::sandbox::{Channel, Plan, Received, Sandbox, SandboxError, Spec, plan};
use crate::scenario::{FactName, FactValue, NamespaceKind};
use crate::sys::pidfd;
use crate::sys::spawn::{Held, Spawn, SpawnError};

/// A role that has not said it is ready by then never will.
const READY_LIMIT: Duration = Duration::from_secs(10);
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native;

impl Runtime for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn available(&self) -> Result<(), String> {
        Ok(())
    }

    fn prepare(&self, spec: Spec, group: &Group) -> Result<Plan, SandboxError> {
        Ok(plan(spec, group))
    }

    fn launch(&self, plan: &Plan, group: &Group) -> Result<Sandbox, SandboxError> {
        self.launch_watched(plan, group, &mut |_| {})
    }

    fn facts(&self, sandbox: &Sandbox) -> BTreeMap<FactName, FactValue> {
        let pid = u64::try_from(sandbox.pid.as_raw()).unwrap_or(0);
        let seen = Path::new("/proc").join(sandbox.pid.to_string()).join("cmdline");
        let seen = fs::read(seen).is_ok_and(|command| command.starts_with(b"contain-test\0"));
        BTreeMap::from([
            (FactName::OutsidePid, FactValue::Number(pid)),
            (FactName::OutsideSeesInside, FactValue::Flag(seen)),
        ])
    }

    fn stop(&self, sandbox: &mut Sandbox) -> Result<(), SandboxError> {
        sandbox.end()
    }
}

impl Native {
    /// [`Runtime::launch`] that tells how far it has come, so that the parts can be timed.
    ///
    /// # Errors
    /// As [`Runtime::launch`].
    pub fn launch_watched(
        &self,
        plan: &Plan,
        group: &Group,
        reached: &mut dyn FnMut(Milestone),
    ) -> Result<Sandbox, SandboxError> {
        let name = &plan.spec.name;
        let at = |source| SandboxError::Cgroup { sandbox: name.clone(), source };
        group.create().map_err(|source| {
            let _ = group.remove();
            at(source)
        })?;
        reached(Milestone::CgroupsMade);
        let result = limit(plan, group).and_then(|in_force| {
            reached(Milestone::LimitsSet);
            start(plan, group, in_force, reached)
        });
        if result.is_err() {
            let _ = group.kill(KILL_LIMIT);
            group.remove().map_err(at)?;
        }
        result
    }
}

/// How far the launch of a sandbox has come, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Its cgroups exist.
    CgroupsMade,
    /// Every limit is in force.
    LimitsSet,
    /// Its first process exists and waits.
    Cloned,
    /// Its IDs are mapped: the first process may go on.
    IdsMapped,
    /// The first process has executed the stage.
    Executed,
    /// The role inside runs.
    Ready,
}

type InForce = (Vec<Setting>, Vec<String>);

/// Writes every limit before anything runs in the group.
fn limit(plan: &Plan, group: &Group) -> Result<InForce, SandboxError> {
    let at = |source: CgroupError| {
        let sandbox = plan.spec.name.clone();
        if source.is_lack() {
            return SandboxError::Unsupported { sandbox, reason: source.to_string() };
        }
        SandboxError::Cgroup { sandbox, source }
    };
    group.pin(&plan.spec.cpus).map_err(at)?;
    // Which CPUs is a limit of the scenario's only where it says so; else it is where the node has room.
    let mut in_force: Vec<Setting> =
        plan.spec.limits.cpuset.iter().map(|list| Setting::cpuset(list)).collect();
    let mut skipped = Vec::new();
    for setting in &plan.settings {
        if group.set(setting, plan.spec.has_swap).map_err(at)? {
            in_force.push(setting.clone());
        } else {
            skipped.push(format!("{}: not on this machine, which has no swap", setting.file));
        }
    }
    Ok((in_force, skipped))
}

fn start(
    plan: &Plan,
    group: &Group,
    limits: InForce,
    reached: &mut dyn FnMut(Milestone),
) -> Result<Sandbox, SandboxError> {
    let spec = &plan.spec;
    let step = |step: &'static str| {
        move |source: io::Error| SandboxError::Step {
            sandbox: spec.name.clone(),
            step: step.to_owned(),
            source,
        }
    };
    let at_cgroup = |source| SandboxError::Cgroup { sandbox: spec.name.clone(), source };
    let (mut ours, theirs) = UnixStream::pair().map_err(step("make the stream"))?;
    let (errors_read, errors_write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .map_err(|errno| step("make the error pipe")(errno.into()))?;
    send_plan(&mut ours, &plan.inside).map_err(step("send the plan"))?;
    ours.set_nonblocking(true).map_err(step("make the stream"))?;

    let joined = group.open_v1_tasks().map_err(at_cgroup)?;
    let unified = group.open_unified().map_err(at_cgroup)?;
    let held = Spawn {
        namespaces: clone_flags(spec),
        into_cgroup: unified.as_ref().map(AsFd::as_fd),
        join: joined.iter().map(AsFd::as_fd).collect(),
        unshare_cgroup: spec.namespaces.is_new(NamespaceKind::Cgroup),
        become_root: spec.namespaces.is_new(NamespaceKind::User),
        stream: theirs.as_fd(),
        errors: errors_write.as_fd(),
        program: c_string(&spec.program.display().to_string()),
        arguments: vec![c"contain-test".to_owned(), c"__stage".to_owned()],
    }
    .start()
    .map_err(|source| SandboxError::Start { sandbox: spec.name.clone(), source })?;
    reached(Milestone::Cloned);
    let (pid, pidfd) = go(spec, held, reached)?;
    reached(Milestone::Executed);
    let mut sandbox = Sandbox {
        name: spec.name.clone(),
        role: spec.role,
        pid,
        group: group.clone(),
        settings: limits.0,
        skipped: limits.1,
        ids: spec.ids,
        channel: Channel::new(Box::new(ours)),
        pidfd,
        errors: fs::File::from(errors_read),
        ended: false,
    };
    drop((theirs, errors_write));
    wait_until_ready(&mut sandbox)?;
    reached(Milestone::Ready);
    Ok(sandbox)
}

/// Writes the maps, then lets the child go on to exec. A child that fails is reaped here.
fn go(
    spec: &Spec,
    held: Held,
    reached: &mut dyn FnMut(Milestone),
) -> Result<(Pid, OwnedFd), SandboxError> {
    if spec.namespaces.is_new(NamespaceKind::User) {
        for map in ["gid_map", "uid_map"] {
            let path = format!("/proc/{}/{map}", held.pid);
            let value = format!("0 {} {}", spec.ids.base, crate::sandbox::spec::ID_COUNT);
            if let Err(source) = fs::write(&path, value) {
                let _ = pidfd::send(held.pidfd.as_fd(), Signal::SIGKILL);
                discard(&held.pidfd);
                let (sandbox, step) = (spec.name.clone(), format!("write {path}"));
                return Err(SandboxError::Step { sandbox, step, source });
            }
        }
    }
    reached(Milestone::IdsMapped);
    held.release().map_err(|(pidfd, source): (OwnedFd, SpawnError)| {
        discard(&pidfd);
        SandboxError::Start { sandbox: spec.name.clone(), source }
    })
}

fn discard(pidfd: &OwnedFd) {
    let _ = pidfd::wait_for_end(pidfd.as_fd(), KILL_LIMIT);
    let _ = pidfd::reap(pidfd);
}

fn wait_until_ready(sandbox: &mut Sandbox) -> Result<(), SandboxError> {
    let begun = Instant::now();
    loop {
        match sandbox.channel.receive() {
            Received::Reply(Reply::Ready { .. }) => return Ok(()),
            Received::Reply(Reply::SetUpFailed { step, error }) => {
                return Err(SandboxError::Inside { sandbox: sandbox.name.clone(), step, error });
            }
            Received::Nothing if begun.elapsed() < READY_LIMIT => {
                let mut fds = [PollFd::new(sandbox.channel.as_fd(), PollFlags::POLLIN)];
                let _ = poll(&mut fds, PollTimeout::from(100_u16));
            }
            Received::Reply(_) | Received::Nothing | Received::Ended => {
                return Err(SandboxError::Silent {
                    sandbox: sandbox.name.clone(),
                    what: "did not say that it is ready".to_owned(),
                    errors: sandbox.last_words(),
                });
            }
        }
    }
}

/// The cgroup namespace is made later, after joining: its root is the group at its creation.
fn clone_flags(spec: &Spec) -> u64 {
    [
        (NamespaceKind::Mnt, libc::CLONE_NEWNS),
        (NamespaceKind::Pid, libc::CLONE_NEWPID),
        (NamespaceKind::Net, libc::CLONE_NEWNET),
        (NamespaceKind::Ipc, libc::CLONE_NEWIPC),
        (NamespaceKind::Uts, libc::CLONE_NEWUTS),
        (NamespaceKind::User, libc::CLONE_NEWUSER),
        (NamespaceKind::Time, libc::CLONE_NEWTIME),
    ]
    .into_iter()
    .filter(|(kind, _)| spec.namespaces.is_new(*kind))
    .fold(0, |flags, (_, flag)| flags | u64::from(flag.cast_unsigned()))
}

fn c_string(text: &str) -> CString {
    // A path that the kernel gave cannot hold a NUL; an empty program fails with ENOENT, which says enough.
    CString::new(text).unwrap_or_default()
}
