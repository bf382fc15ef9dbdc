//! The changes that make an uplink, printable: the same lines for a dry run and for the real thing.

use std::fmt;

use contain_test_workloads::uplink::SERVER;

use super::names::{BITS, INSIDE, Names, Port};
use crate::scenario::NetLimits;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkStep {
    /// A network namespace for the node's links.
    Namespace,
    /// The servers at the far end, in a network namespace of their own.
    Server,
    /// A bridge.
    Bridge {
        /// Its name.
        name: String,
    },
    /// A veth pair whose other end is elsewhere.
    Link {
        /// This end.
        name: String,
        /// The bridge that this end is on.
        bridge: String,
        /// Whose the other end is.
        of: String,
        /// Its address.
        address: String,
    },
    /// A veth pair between two bridges.
    Between {
        /// The end on the first.
        out: String,
        /// The first.
        from: String,
        /// The end on the second.
        into: String,
        /// The second.
        to: String,
    },
    /// A token bucket.
    Limit {
        /// The link that sends.
        link: String,
        /// What it limits.
        what: String,
        /// Bits a second.
        bits: u64,
    },
    /// The servers end.
    EndServer,
    /// Nobody holds the namespace any more; the kernel removes it with all of its links.
    EndNamespace,
}

impl fmt::Display for LinkStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace => f.write_str("make a network namespace for the node's links"),
            Self::Server => f.write_str("start the servers in a network namespace of their own"),
            Self::Bridge { name } => write!(f, "make bridge {name}"),
            Self::Link { name, bridge, of, address } => write!(
                f,
                "make link {name} on {bridge}, whose other end is {INSIDE} of the {of}, {address}/{BITS}"
            ),
            Self::Between { out, from, into, to } => {
                write!(f, "make link {out} on {from}, whose other end is {into} on {to}")
            }
            Self::Limit { link, what, bits } => {
                write!(f, "limit what {link} sends, {what}, to {bits} bits a second (tbf)")
            }
            Self::EndServer => f.write_str("end the servers"),
            Self::EndNamespace => f.write_str("let go of the network namespace"),
        }
    }
}

/// What makes an uplink without anybody on it.
#[must_use]
pub fn creation(names: &Names, bits: u64) -> Vec<LinkStep> {
    let limit = |link: String, what: &str| LinkStep::Limit { link, what: what.to_owned(), bits };
    vec![
        LinkStep::Namespace,
        LinkStep::Bridge { name: names.bridge().to_owned() },
        LinkStep::Server,
        LinkStep::Link {
            name: names.uplink(),
            bridge: names.bridge().to_owned(),
            of: "server".to_owned(),
            address: SERVER.to_string(),
        },
        limit(names.uplink(), "the uplink from the node"),
        limit(format!("the server's {INSIDE}"), "the uplink to the node"),
    ]
}

/// What gives a sandbox its link.
#[must_use]
pub fn attachment(names: &Names, port: &Port, sandbox: &str, limits: NetLimits) -> Vec<LinkStep> {
    let link = |bridge: &str| LinkStep::Link {
        name: port.host.clone(),
        bridge: bridge.to_owned(),
        of: format!("sandbox {sandbox}"),
        address: port.address.to_string(),
    };
    let limit = |link: &str, what: &str, bits| LinkStep::Limit {
        link: link.to_owned(),
        what: format!("{what} sandbox {sandbox}"),
        bits,
    };
    let mut steps = Vec::new();
    if let Some(bits) = limits.egress_bits_per_second {
        steps.push(LinkStep::Bridge { name: port.bridge.clone() });
        steps.push(LinkStep::Between {
            out: port.out.clone(),
            from: port.bridge.clone(),
            into: port.into.clone(),
            to: names.bridge().to_owned(),
        });
        steps.push(limit(&port.out, "egress of", bits));
        steps.push(link(&port.bridge));
    } else {
        steps.push(link(names.bridge()));
    }
    if let Some(bits) = limits.ingress_bits_per_second {
        steps.push(limit(&port.host, "ingress of", bits));
    }
    steps
}

/// What takes an uplink down.
#[must_use]
pub fn removal() -> Vec<LinkStep> {
    vec![LinkStep::EndServer, LinkStep::EndNamespace]
}
