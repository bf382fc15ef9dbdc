//! What does not go together with an uplink, and with the limits of a sandbox's link.

use super::diagnostic::Problems;
use super::layers::Merged;
use super::written::{LimitsWritten, Located, SandboxWritten};
use super::{NamespaceKind, NodeSpec, units};

pub(super) fn check(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    for sandbox in [&config.attacker, &config.victim] {
        own_namespace(sandbox, config, node, problems);
        let Some(limits) = &sandbox.limits else { continue };
        for (key, rate) in rates(limits) {
            within_uplink(key, rate, node, problems);
        }
    }
    for limits in config.pods.iter().flatten().filter_map(|pod| pod.limits.as_ref()) {
        for (key, rate) in rates(limits) {
            within_uplink(key, rate, node, problems);
        }
    }
}

/// The rates of a sandbox's link, each once though `net: 10M` says two.
fn rates(limits: &LimitsWritten) -> Vec<(&'static str, &Located<u64>)> {
    let rates = [("egress", &limits.net_egress), ("ingress", &limits.net_ingress)];
    let mut rates: Vec<_> =
        rates.into_iter().filter_map(|(key, rate)| Some((key, rate.as_ref()?))).collect();
    rates.dedup_by_key(|(_, rate)| rate.spot);
    rates
}

/// In the host's namespace a link of the node would be a link of the host.
fn own_namespace(
    sandbox: &SandboxWritten,
    config: &Merged<'_>,
    node: NodeSpec,
    problems: &mut Problems,
) {
    let (Some(namespaces), Some(_)) = (&sandbox.namespaces, node.uplink_bits_per_second) else {
        return;
    };
    if namespaces.value.is_apart(NamespaceKind::Net) {
        return;
    }
    let spot = config.node.uplink.as_ref().map_or(namespaces.spot, |_| namespaces.spot);
    problems
        .add(
            spot,
            "a sandbox without a network namespace of its own cannot be on the node's uplink",
        )
        .help("give it one (`namespaces: {net: new}`), or leave out `node.uplink`");
}

/// A limit above what the uplink carries could never be reached, and without an uplink there is nothing to limit.
fn within_uplink(key: &str, rate: &Located<u64>, node: NodeSpec, problems: &mut Problems) {
    let bits = units::format_bits;
    match node.uplink_bits_per_second {
        None => {
            problems
                .add(rate.spot, "`net` limits nothing, for the node has no `uplink`")
                .help("give it one: `node: {uplink: 100M}`");
        }
        Some(uplink) if rate.value > uplink => {
            let (limit, has) = (bits(rate.value), bits(uplink));
            problems
                .add(rate.spot, format!("`net` allows {limit} of {key}, but the node's uplink carries {has}"))
                .help("a limit above the node's capacity is never reached; lower it, or raise `node.uplink`");
        }
        Some(_) => {}
    }
}
