//! Sidecars: programs in sandboxes of their own beside attacker and victim, started again when they end, as their pod's policy says.
//!
//! A restart keeps the cgroup, and the pod keeps the namespaces; everything else is made anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;

use super::EngineError;
use super::trail::Trail;
use crate::cgroup::Group;
use crate::record::{CaseSidecar, SidecarState};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{Plan, Pod, Sandbox};
use crate::scenario::{Backoff, FactName, FactValue, RestartPolicy};

/// How often it is looked whether one has ended: rarely enough to disturb no measurement.
const LOOK: Duration = Duration::from_millis(25);

/// One sidecar.
#[derive(Debug)]
pub struct Sidecar {
    /// Its sandbox, which is dead between two starts.
    pub sandbox: Sandbox,
    plan: Plan,
    policy: RestartPolicy,
    backoff: Backoff,
    begun: Instant,
    /// When it is to be started again.
    due: Option<Instant>,
    state: SidecarState,
    starts: u64,
    ended: BTreeMap<String, u64>,
    waits_ms: Vec<u64>,
    trouble: Option<String>,
    /// Its network and IPC namespace, and whether the next start found the same.
    shared: Vec<PathBuf>,
    kept: Option<bool>,
}

/// All sidecars of a case, in the order of the file.
#[derive(Debug, Default)]
pub struct Sidecars {
    all: Vec<Sidecar>,
    looked: Option<Instant>,
}

impl Sidecars {
    /// Starts what was planned, one after the other.
    ///
    /// # Errors
    /// The step that failed.
    pub fn start(
        plans: Vec<(Plan, Group)>,
        pods: &[Pod],
        trail: &mut Trail,
    ) -> Result<Self, EngineError> {
        let mut all = Vec::new();
        for (plan, group) in plans {
            let pod = pod_of(pods, plan.spec.pod.as_deref());
            let sandbox = Native.launch(&plan, &group, pod, trail)?;
            let (policy, base_ms) = pod.map_or_else(Default::default, |pod| {
                (pod.spec.restart_policy, pod.spec.restart_backoff_ms)
            });
            all.push(Sidecar {
                shared: shared(&sandbox),
                kept: None,
                sandbox,
                plan,
                policy,
                backoff: Backoff::new(Duration::from_millis(base_ms)),
                begun: Instant::now(),
                due: None,
                state: SidecarState::Running,
                starts: 1,
                ended: BTreeMap::new(),
                waits_ms: Vec::new(),
                trouble: None,
            });
        }
        Ok(Self { all, looked: None })
    }

    /// Their cgroups.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.all.iter().map(|it| &it.sandbox.group)
    }

    /// Notices those that have ended, and starts again those that are due. Returns when it is time to look again; nothing without sidecars.
    pub fn tend(&mut self, pods: &[Pod]) -> Option<Duration> {
        if self.all.is_empty() {
            return None;
        }
        if let Some(rest) = self.looked.and_then(|looked| LOOK.checked_sub(looked.elapsed())) {
            return Some(rest);
        }
        for sidecar in &mut self.all {
            sidecar.tend(pods);
        }
        self.looked = Some(Instant::now());
        Some(LOOK)
    }

    /// What became of each.
    #[must_use]
    pub fn recorded(&self) -> Vec<CaseSidecar> {
        self.all.iter().map(Sidecar::recorded).collect()
    }

    /// What a scenario can assert of them: nothing without any.
    #[must_use]
    pub fn facts(&self) -> Vec<(FactName, FactValue)> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let restarts = self.all.iter().map(|it| it.starts - 1).sum();
        let kept = self.all.iter().filter_map(|it| it.kept).reduce(|all, it| all && it);
        let kept = kept.map(|kept| (FactName::PodKept, FactValue::Flag(kept)));
        std::iter::once((FactName::PodRestarts, FactValue::Number(restarts))).chain(kept).collect()
    }

    /// Ends them, the last first.
    pub fn end(
        &mut self,
        trail: &mut Trail,
        done: &mut dyn FnMut(Result<(), EngineError>, &Trail),
    ) {
        for sidecar in self.all.iter_mut().rev() {
            let ended = Native.stop(&mut sidecar.sandbox, trail).map_err(EngineError::from);
            done(ended, trail);
        }
    }
}

impl Sidecar {
    fn tend(&mut self, pods: &[Pod]) {
        if self.state == SidecarState::Running && self.sandbox.is_dead() {
            self.notice();
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = None;
            self.start_again(pods);
        }
    }

    fn notice(&mut self) {
        let status = self.sandbox.reap();
        // A container ends with its first process, whatever else is in it.
        if let Err(error) = self.sandbox.clear() {
            self.trouble = Some(error.to_string());
        }
        *self.ended.entry(word(status)).or_insert(0) += 1;
        let succeeded = matches!(status, Some(WaitStatus::Exited(_, 0)));
        if !self.policy.restarts(succeeded) {
            self.state = SidecarState::Ended;
            return;
        }
        let wait = self.backoff.after(self.begun.elapsed());
        self.waits_ms.push(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self.due = Some(Instant::now() + wait);
        self.state = SidecarState::Waiting;
    }

    fn start_again(&mut self, pods: &[Pod]) {
        let pod = pod_of(pods, self.sandbox.pod.as_deref());
        match Native.start_again(&mut self.sandbox, &self.plan, pod) {
            Ok(()) => {
                self.starts += 1;
                self.begun = Instant::now();
                self.state = SidecarState::Running;
                self.compare();
            }
            // As the kubelet does, which goes on trying: a full pod is one of the reasons.
            Err(error) => {
                self.trouble = Some(error.to_string());
                let wait = self.backoff.after(Duration::ZERO).max(LOOK);
                self.due = Some(Instant::now() + wait);
            }
        }
    }

    /// Whether it found the namespaces of the start before. Of one that has ended already the kernel does not tell.
    fn compare(&mut self) {
        let now = shared(&self.sandbox);
        if now.len() == self.shared.len() && !now.is_empty() {
            self.kept = Some(self.kept != Some(false) && now == self.shared);
        }
        if !now.is_empty() {
            self.shared = now;
        }
    }

    fn recorded(&self) -> CaseSidecar {
        CaseSidecar {
            name: self.sandbox.name.clone(),
            pod: self.sandbox.pod.clone().unwrap_or_default(),
            command: self.plan.spec.command.clone(),
            state: self.state,
            restarts: self.starts - 1,
            ended: self.ended.clone(),
            waits_ms: self.waits_ms.clone(),
            trouble: self.trouble.clone(),
        }
    }
}

/// The namespaces that a pod's address, ports and System V objects are in, by the kernel's links.
fn shared(sandbox: &Sandbox) -> Vec<PathBuf> {
    let link = |kind: &str| fs::read_link(format!("/proc/{}/ns/{kind}", sandbox.pid)).ok();
    ["net", "ipc"].into_iter().map(link).collect::<Option<_>>().unwrap_or_default()
}

/// How a process ended, in a word.
fn word(status: Option<WaitStatus>) -> String {
    match status {
        Some(WaitStatus::Exited(_, code)) => format!("exit {code}"),
        Some(WaitStatus::Signaled(_, signal, _)) => signal.as_str().to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn pod_of<'a>(pods: &'a [Pod], name: Option<&str>) -> Option<&'a Pod> {
    pods.iter().find(|pod| Some(pod.spec.name.as_str()) == name)
}
