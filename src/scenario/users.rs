//! The user of a sandbox on the host, and the limits that the kernel counts for each user.

use super::diagnostic::{Problems, Spot};
use super::layers::Merged;
use super::written::{LimitsWritten, SandboxWritten};
use super::{NamespaceKind, NodeSpec, Role, kind, units};

/// Whose user, as the host sees it, a sandbox's processes have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SandboxUser {
    /// One that nobody else has.
    #[default]
    Own,
    /// The same as the other sandbox of the config.
    Shared,
}

impl SandboxUser {
    /// All of them, with the words used in files.
    pub const ALL: [(&'static str, Self); 2] = [("own", Self::Own), ("shared", Self::Shared)];
}

/// What does not go together with `user`, `nproc` and `tmpfs`.
pub(super) fn check(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    shared(config, problems);
    let workload = config.attacker.workload.as_ref().map(|found| found.value);
    let least = workload.map_or(1, |workload| workload.min_pids(kind::of(&config.attacker)));
    for (role, sandbox, least) in [
        (Role::Attacker, &config.attacker, least),
        (Role::Victim, &config.victim, node.victim_min_pids()),
    ] {
        let Some(limits) = &sandbox.limits else { continue };
        tasks(limits, role, least, problems);
        own_mounts(limits, sandbox, problems);
        if node.guard {
            capacity(limits, node, problems);
        }
    }
}

/// Processes that left the attacker's group are told by their PID namespace or their user, so one of the two must be its own.
fn shared(config: &Merged<'_>, problems: &mut Problems) {
    let spot = |sandbox: &SandboxWritten| {
        sandbox.user.as_ref().filter(|user| user.value == SandboxUser::Shared).map(|it| it.spot)
    };
    let Some(spot) = spot(&config.attacker).or(spot(&config.victim)) else { return };
    if is_the_hosts(&config.attacker, NamespaceKind::Pid) {
        problems
            .add(spot, "`user: shared` needs an attacker with a PID namespace of its own")
            .help("without one, its processes could not be told from those of the other sandbox");
    }
}

fn is_the_hosts(sandbox: &SandboxWritten, kind: NamespaceKind) -> bool {
    sandbox.namespaces.as_ref().is_some_and(|found| !found.value.is_apart(kind))
}

fn tasks(limits: &LimitsWritten, role: Role, least: u64, problems: &mut Problems) {
    let Some(nproc) = limits.nproc.as_ref().filter(|nproc| nproc.value < least) else { return };
    let who = if role == Role::Attacker { "attacker" } else { "victim" };
    problems
        .add(nproc.spot, format!("the {who} cannot run with an `nproc` below {least}"))
        .help("all tasks of its user count, those of the other sandbox too where they share it");
}

fn own_mounts(limits: &LimitsWritten, sandbox: &SandboxWritten, problems: &mut Problems) {
    let Some(tmpfs) = &limits.tmpfs else { return };
    if is_the_hosts(sandbox, NamespaceKind::Mnt) {
        problems
            .add(tmpfs.spot, "`tmpfs` needs a mount namespace of its own")
            .help("with the host's, the sandbox's /tmp is the host's");
    }
}

/// A limit above what the node has could never be reached.
fn capacity(limits: &LimitsWritten, node: NodeSpec, problems: &mut Problems) {
    let mut above = |spot: Spot, what: &str, limit: String, has: String, key: &str| {
        problems.add(spot, format!("`{what}` is {limit}, but the node has {has}")).help(format!(
            "a limit above the node's capacity is never reached; lower it, or raise `node.{key}`"
        ));
    };
    if let Some(nproc) = limits.nproc.as_ref().filter(|it| it.value > node.pids) {
        above(nproc.spot, "nproc", nproc.value.to_string(), node.pids.to_string(), "pids");
    }
    let bytes = units::format_bytes;
    if let Some(tmpfs) = limits.tmpfs.as_ref().filter(|it| it.value > node.memory_bytes) {
        above(tmpfs.spot, "tmpfs", bytes(tmpfs.value), bytes(node.memory_bytes), "memory");
    }
    let high = limits.unified.get("memory.high");
    let high_bytes = high.and_then(|high| Some((high.spot, high.value.parse::<u64>().ok()?)));
    if let Some((spot, high)) = high_bytes.filter(|&(_, high)| high > node.memory_bytes) {
        above(spot, "memory.high", bytes(high), bytes(node.memory_bytes), "memory");
    }
}
