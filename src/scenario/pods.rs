//! Pods: sandboxes that share namespaces, an address, a host name and a limit of their sum, as containers of a Kubernetes Pod do.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Problems, Spot, quoted};
use super::layers::Merged;
use super::written::{Located, SandboxWritten};
use super::{
    KUBELET_BACKOFF_MS, Limits, NamespaceKind, Namespaces, RestartPolicy, Role, SandboxUser,
    Sharing,
};

/// What a pod is, besides the sandboxes that name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PodSpec {
    /// Its name, unique in the config; also its host name, and with `pod-` in front that of its cgroup below the node.
    pub name: String,
    /// What all of its sandboxes together may use.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Whether its sandboxes share a PID namespace, whose first process is the pause process.
    pub shared_pid: bool,
    /// Whether its sandboxes share a UTS namespace. Without it each has one of its own, with the same host name.
    pub shared_uts: bool,
    /// When its sidecars are started again.
    pub restart_policy: RestartPolicy,
    /// The wait before the second restart of a sidecar, in milliseconds; the kubelet's is 10 s.
    pub restart_backoff_ms: u64,
}

impl PodSpec {
    /// A pod of which nothing but its name is written.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            limits: Limits::default(),
            shared_pid: false,
            shared_uts: false,
            restart_policy: RestartPolicy::default(),
            restart_backoff_ms: KUBELET_BACKOFF_MS,
        }
    }

    /// The name of its cgroup below the node, and of its directory among the run's files.
    #[must_use]
    pub fn group_name(&self) -> String {
        group_name(&self.name)
    }

    /// The name of its pause process as a sandbox.
    #[must_use]
    pub fn pause_name(&self) -> String {
        format!("{}-pause", self.name)
    }

    /// How its sandboxes get a kind of namespace where they do not say it. The user namespace is the pod's because it owns the
    /// others: who is not in it may mount neither their `/sys` nor their queues.
    #[must_use]
    pub const fn usual(&self, kind: NamespaceKind) -> Sharing {
        match kind {
            NamespaceKind::Net | NamespaceKind::Ipc | NamespaceKind::User => Sharing::Pod,
            NamespaceKind::Pid if self.shared_pid => Sharing::Pod,
            NamespaceKind::Uts if self.shared_uts => Sharing::Pod,
            _ => Sharing::New,
        }
    }

    /// The namespaces of one of its sandboxes that has written some of them.
    #[must_use]
    pub fn namespaces(&self, written: &Namespaces) -> Namespaces {
        let of = |kind: NamespaceKind| (kind, written.0.get(&kind).copied());
        Namespaces(
            NamespaceKind::ALL
                .into_iter()
                .map(of)
                .map(|(kind, sharing)| (kind, sharing.unwrap_or_else(|| self.usual(kind))))
                .collect::<BTreeMap<_, _>>(),
        )
    }
}

/// The name of a pod's cgroup below the node.
#[must_use]
pub fn group_name(pod: &str) -> String {
    format!("pod-{pod}")
}

/// Kinds of namespace that a pod has for its sandboxes.
pub(super) const SHAREABLE: [NamespaceKind; 5] = [
    NamespaceKind::Pid,
    NamespaceKind::Net,
    NamespaceKind::Ipc,
    NamespaceKind::Uts,
    NamespaceKind::User,
];

/// What does not go together with pods.
pub(super) fn check(config: &Merged<'_>, problems: &mut Problems) {
    let (attacker, victim) =
        (config.sandbox_name(Role::Attacker), config.sandbox_name(Role::Victim));
    let mut sandboxes = vec![(attacker, &config.attacker), (victim, &config.victim)];
    for sidecar in config.sidecars.iter().flatten() {
        let Some(name) = &sidecar.name else { continue };
        if sandboxes.iter().any(|((other, _), _)| *other == name.value) {
            problems
                .add(name.spot, format!("two sandboxes are named {}", quoted(&name.value)))
                .help("the names of the sandboxes of one config must differ");
        }
        sandboxes.push(((&name.value, Some(name.spot)), sidecar));
    }
    let members: Vec<&SandboxWritten> = sandboxes.iter().map(|(_, sandbox)| *sandbox).collect();
    listed(config, &members, problems);
    for ((name, spot), sandbox) in sandboxes {
        let whole = spot.unwrap_or(config.written.spot);
        match &sandbox.pod {
            Some(_) => member(sandbox, problems),
            None => alone(sandbox, problems),
        }
        for pod in config.pod_specs() {
            if name == pod.pause_name() || name == pod.group_name() {
                problems
                    .add(
                        whole,
                        format!(
                            "the name {} belongs to the pod {}",
                            quoted(name),
                            quoted(&pod.name)
                        ),
                    )
                    .help("it is that of its cgroup or of its pause process; choose another");
            }
        }
    }
    let shared = [&config.attacker, &config.victim]
        .into_iter()
        .filter_map(|sandbox| sandbox.user.as_ref())
        .find(|user| user.value == SandboxUser::Shared);
    if let (Some(shared), Some(namespaces)) = (shared, config.namespaces(&config.attacker))
        && namespaces.is_pods(NamespaceKind::Pid)
    {
        problems
            .add(shared.spot, "`user: shared` needs an attacker with a PID namespace of its own")
            .help("it shares that of its pod, so its processes could not be told from those of the other sandbox");
    }
}

/// The entries of `pods`.
fn listed(config: &Merged<'_>, sandboxes: &[&SandboxWritten], problems: &mut Problems) {
    let Some(pods) = &config.pods else { return };
    for (index, pod) in pods.iter().enumerate() {
        let Some(name) = &pod.name else { continue };
        let same = |other: &&super::written::PodWritten| {
            other.name.as_ref().is_some_and(|other| other.value == name.value)
        };
        if pods[..index].iter().any(|other| same(&other)) {
            problems.add(name.spot, format!("two pods are named {}", quoted(&name.value)));
        }
        let is_member = |sandbox: &&SandboxWritten| {
            sandbox.pod.as_ref().is_some_and(|pod| pod.value == name.value)
        };
        if !sandboxes.iter().any(is_member) {
            problems
                .add(name.spot, format!("no sandbox belongs to the pod {}", quoted(&name.value)))
                .help(format!("write `pod: {}` in a sandbox, or leave the pod out", name.value));
        }
        let Some(limits) = &pod.limits else { continue };
        for (key, written) in
            [("nofile", &limits.nofile), ("nproc", &limits.nproc), ("tmpfs", &limits.tmpfs)]
        {
            let Some(written) = written else { continue };
            problems.add(written.spot, format!("a pod has no limit `{key}`")).help(
                "it is a limit of processes, users or mounts; give it to the sandboxes of the pod",
            );
        }
    }
}

/// A sandbox of a pod.
fn member(sandbox: &SandboxWritten, problems: &mut Problems) {
    if let Some(namespaces) = &sandbox.namespaces {
        let written = &namespaces.value.0;
        if written.get(&NamespaceKind::User) == Some(&Sharing::New) {
            problems
                .add(namespaces.spot, "a sandbox of a pod has no user namespace of its own")
                .help("its pod's owns the namespaces that it shares: write `user: pod`, which is the default, or `user: host`");
        }
        for (&kind, _) in written
            .iter()
            .filter(|&(kind, sharing)| *sharing == Sharing::Pod && !SHAREABLE.contains(kind))
        {
            problems
                .add(namespaces.spot, format!("a pod has no {} namespace to share", kind.name()))
                .help("a pod's sandboxes can share net, ipc and user, and by option pid and uts");
        }
    }
    let Some(limits) = &sandbox.limits else { return };
    let rate = limits.net_egress.as_ref().or(limits.net_ingress.as_ref());
    if let Some(Located { spot, .. }) = rate {
        problems
            .add(*spot, "`net` cannot be the limit of a sandbox in a pod")
            .help("all sandboxes of a pod share one link; write it in the `limits` of the pod");
    }
}

/// A sandbox without a pod.
fn alone(sandbox: &SandboxWritten, problems: &mut Problems) {
    let Some(Located { value, spot }) = &sandbox.namespaces else { return };
    if value.0.values().any(|&sharing| sharing == Sharing::Pod) {
        no_pod(*spot, problems);
    }
}

fn no_pod(spot: Spot, problems: &mut Problems) {
    problems
        .add(spot, "a sandbox without a pod has no namespace of a pod")
        .help("name its pod: `pod: NAME`");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_shares_what_its_options_say() {
        let pod = PodSpec::named("app");
        let none = Namespaces(BTreeMap::new());
        let shared = |pod: &PodSpec| {
            let found = pod.namespaces(&none);
            NamespaceKind::ALL.into_iter().filter(|&kind| found.is_pods(kind)).collect::<Vec<_>>()
        };
        use NamespaceKind::{Ipc, Net, Pid, User, Uts};
        assert_eq!(shared(&pod), [Net, Ipc, User]);
        let all = PodSpec { shared_pid: true, shared_uts: true, ..pod };
        assert_eq!(shared(&all), [Pid, Net, Ipc, Uts, User]);
        let host = Namespaces(BTreeMap::from([(Net, Sharing::Host)]));
        assert!(!all.namespaces(&host).is_apart(Net));
    }
}
