//! The native runtime: clone3, namespaces and cgroups, without anybody's help.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contain_test_workloads::protocol::Reply;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::pipe2;

use super::Runtime;
use crate::announce::{Announce, By, Unheard};
use crate::cgroup::{CgroupError, Group, Setting};
use crate::sandbox::plan::{INSIDE, clone_step, join_step, map_steps};
use crate::sandbox::plan_stream::send_plan;
use crate::sandbox::tail::Tail;
use crate::sandbox::{
    Bound, Channel, Plan, Pod, Received, Sandbox, SandboxError, Spec, Step, plan,
};
use crate::scenario::{FactName, FactValue, NamespaceKind};
use crate::sys::pidfd;
use crate::sys::spawn::{Held, Spawn, SpawnError};

/// A role that has not said it is ready by then never will. A service of the victim may take 10 s of it.
const READY_LIMIT: Duration = Duration::from_secs(15);
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

    fn launch(
        &self,
        plan: &Plan,
        group: &Group,
        pod: Option<&Pod>,
        to: &mut dyn Announce,
    ) -> Result<Sandbox, SandboxError> {
        self.launch_watched(plan, group, pod, to, &mut |_| {})
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

    fn stop(&self, sandbox: &mut Sandbox, to: &mut dyn Announce) -> Result<(), SandboxError> {
        sandbox.end(to)
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
        pod: Option<&Pod>,
        to: &mut dyn Announce,
        reached: &mut dyn FnMut(Milestone),
    ) -> Result<Sandbox, SandboxError> {
        let name = &plan.spec.name;
        let to = &mut By::new(name, to);
        let at = |source| SandboxError::Cgroup { sandbox: name.clone(), source };
        let result = group.create(to).map_err(at).and_then(|()| {
            reached(Milestone::CgroupsMade);
            let in_force = limit(plan, group, to)?;
            reached(Milestone::LimitsSet);
            start((plan, pod), group, in_force, to, reached)
        });
        if result.is_err() {
            let _ = group.kill(KILL_LIMIT, &mut Unheard);
            // What failed first is what must be told.
            let _ = group.remove(&mut Unheard);
        }
        result
    }
}

impl Native {
    /// Starts the first process of a sandbox again, in the cgroup that it has, with the limits that are in force there. Nobody is told: it is
    /// no change that needs to be taken back besides that of the first start.
    ///
    /// # Errors
    /// The step that failed; the sandbox is dead then, and can be started again.
    pub fn start_again(
        &self,
        sandbox: &mut Sandbox,
        plan: &Plan,
        pod: Option<&Pod>,
    ) -> Result<(), SandboxError> {
        sandbox.clear()?;
        let in_force = (sandbox.settings.clone(), sandbox.skipped.clone());
        let group = sandbox.group.clone();
        let fresh = start((plan, pod), &group, in_force, &mut Unheard, &mut |_| {});
        let fresh = fresh.inspect_err(|_| drop(group.kill(KILL_LIMIT, &mut Unheard)));
        // The group goes on with its next first process: the handle of the dead one must not remove it.
        std::mem::replace(sandbox, fresh?).ended = true;
        Ok(())
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
fn limit(plan: &Plan, group: &Group, to: &mut dyn Announce) -> Result<InForce, SandboxError> {
    let at = |source: CgroupError| {
        let sandbox = plan.spec.name.clone();
        if source.is_lack() {
            return SandboxError::Unsupported { sandbox, reason: source.to_string() };
        }
        SandboxError::Cgroup { sandbox, source }
    };
    group.pin(&plan.spec.cpus, to).map_err(at)?;
    // Which CPUs is a limit of the scenario's only where it says so; else it is where the node has room.
    let mut in_force: Vec<Setting> =
        plan.spec.limits.cpuset.iter().map(|list| Setting::cpuset(list)).collect();
    let mut skipped = Vec::new();
    for setting in &plan.settings {
        if group.set(setting, plan.spec.has_swap, to).map_err(at)? {
            in_force.push(setting.clone());
        } else {
            skipped.push(format!("{}: not on this machine, which has no swap", setting.file));
        }
    }
    Ok((in_force, skipped))
}

fn start(
    (plan, pod): (&Plan, Option<&Pod>),
    group: &Group,
    limits: InForce,
    to: &mut dyn Announce,
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

    let joined = group.open_v1_tasks().map_err(at_cgroup)?;
    let unified = group.open_unified().map_err(at_cgroup)?;
    let directories: Vec<PathBuf> = group.directories().collect();
    to.before_occupied(&directories).map_err(step("arm the guardian"))?;
    let mut enter = Vec::new();
    if let Some(join) = join_step(spec) {
        announced(spec, &join, to)?;
        if let (Step::Join { namespaces, .. }, Some(pod)) = (&join, pod) {
            enter = pod.namespaces(namespaces);
        }
        if enter.is_empty() {
            return Err(step("join the pod")(io::Error::other("the pod does not exist")));
        }
    }
    announced(spec, &clone_step(spec), to)?;
    let held = Spawn {
        enter,
        namespaces: clone_flags(spec),
        into_cgroup: unified.as_ref().map(AsFd::as_fd),
        join: joined.iter().map(AsFd::as_fd).collect(),
        unshare_cgroup: spec.namespaces.is_new(NamespaceKind::Cgroup),
        become_root: spec.namespaces.is_apart(NamespaceKind::User),
        stream: theirs.as_fd(),
        errors: errors_write.as_fd(),
        program: c_string(&spec.program.display().to_string()),
        arguments: vec![c"contain-test".to_owned(), c"__stage".to_owned()],
    }
    .start()
    .map_err(|source| SandboxError::Start { sandbox: spec.name.clone(), source })?;
    reached(Milestone::Cloned);
    if let Err(error) = map_ids(spec, &held, to)
        .and_then(|()| send_plan(&mut ours, &sent(plan, pod, to)).map_err(step("send the plan")))
        .and_then(|()| ours.set_nonblocking(true).map_err(step("make the stream")))
    {
        let _ = pidfd::send(held.pidfd.as_fd(), Signal::SIGKILL);
        discard(&held.pidfd);
        return Err(error);
    }
    reached(Milestone::IdsMapped);
    let (pid, pidfd) = held.release().map_err(|(pidfd, source): (OwnedFd, SpawnError)| {
        discard(&pidfd);
        SandboxError::Start { sandbox: spec.name.clone(), source }
    })?;
    reached(Milestone::Executed);
    let mut sandbox = Sandbox {
        name: spec.name.clone(),
        pod: spec.pod.clone(),
        pid,
        group: group.clone(),
        settings: limits.0,
        bounds: Bound::of(&spec.limits),
        skipped: limits.1,
        ids: spec.ids,
        channel: Channel::new(Box::new(ours)),
        pidfd,
        errors: fs::File::from(errors_read),
        tail: Tail::default(),
        ended: false,
    };
    drop((theirs, errors_write));
    wait_until_ready(&mut sandbox)?;
    confirm(&sandbox)?;
    reached(Milestone::Ready);
    Ok(sandbox)
}

/// Writes the maps while the child waits.
fn map_ids(spec: &Spec, held: &Held, to: &mut dyn Announce) -> Result<(), SandboxError> {
    for step in map_steps(spec) {
        let Step::MapIds { map, base, count } = &step else { continue };
        announced(spec, &step, to)?;
        let path = format!("/proc/{}/{map}", held.pid);
        fs::write(&path, format!("0 {base} {count}")).map_err(|source| {
            let (sandbox, step) = (spec.name.clone(), format!("{step}: {path}"));
            SandboxError::Step { sandbox, step, source }
        })?;
    }
    Ok(())
}

/// Announces the steps inside, and returns them as the first process is to do them: one that must fail fails there.
fn sent(plan: &Plan, pod: Option<&Pod>, to: &mut dyn Announce) -> Vec<Step> {
    let mut steps = Vec::with_capacity(plan.inside.len());
    for step in &plan.inside {
        if to.before(&format_args!("{INSIDE}{step}")).is_err() {
            steps.push(Step::Fail { instead: step.to_string() });
            break;
        }
        let mut step = step.clone();
        if let Step::ShareMount { holder, .. } = &mut step {
            *holder = pod.map(|pod| pod.pause.pid.as_raw());
        }
        steps.push(step);
    }
    steps
}

fn announced(spec: &Spec, step: &Step, to: &mut dyn Announce) -> Result<(), SandboxError> {
    to.before(step).map_err(|source| SandboxError::Step {
        sandbox: spec.name.clone(),
        step: step.to_string(),
        source,
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

/// Reads back what is no file of a cgroup, once the role runs with it.
fn confirm(sandbox: &Sandbox) -> Result<(), SandboxError> {
    for bound in &sandbox.bounds {
        let at = |source| SandboxError::Step {
            sandbox: sandbox.name.clone(),
            step: format!("read back {}", bound.knob()),
            source,
        };
        let seen = bound.shown(sandbox.pid).map_err(at)?.limit;
        if !bound.is(seen) {
            let wanted = bound.value();
            return Err(at(io::Error::other(format!("it is {seen}, and {wanted} was asked for"))));
        }
    }
    Ok(())
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
