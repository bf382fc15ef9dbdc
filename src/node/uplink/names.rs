//! Names and addresses of a node's links. Names have 15 letters at most (`IFNAMSIZ` of linux/if.h, less the zero byte).

use std::net::Ipv4Addr;

use contain_test_workloads::uplink::SERVER;

/// Bits of the network that all addresses are in.
pub const BITS: u8 = 24;

/// What the end of a link is called inside: as engines call it.
pub const INSIDE: &str = "eth0";

/// The names of a run's links, which live in the node's network namespace and so are seen by nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `ct-` and the run's ID.
    base: String,
}

impl Names {
    /// Those of the run with this ID.
    #[must_use]
    pub fn of(run_id: &str) -> Self {
        Self { base: format!("ct-{run_id}") }
    }

    /// The bridge of all sandboxes.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.base
    }

    /// The node's end of the uplink.
    #[must_use]
    pub fn uplink(&self) -> String {
        format!("{}u", self.base)
    }

    /// The names of the sandbox that was the `number`th to get a link, counted from 0.
    #[must_use]
    pub fn port(&self, number: u8) -> Port {
        let base = format!("{}{}", self.base, char::from(b'a' + number % 20));
        let [net, high, mid, _] = SERVER.octets();
        Port {
            bridge: format!("{base}b"),
            out: format!("{base}o"),
            into: format!("{base}i"),
            address: Ipv4Addr::new(net, high, mid, 2 + number),
            host: base,
        }
    }
}

/// The names of one sandbox's links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The node's end of the sandbox's link.
    pub host: String,
    /// The sandbox's own bridge, where what it sends is limited.
    pub bridge: String,
    /// From that bridge on what it sends leaves here.
    pub out: String,
    /// And comes into the bridge of all here.
    pub into: String,
    /// The sandbox's address.
    pub address: Ipv4Addr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ() {
        let names = Names::of("0badcafe");
        let (one, other) = (names.port(0), names.port(1));
        let mut all = vec![names.bridge().to_owned(), names.uplink()];
        for port in [&one, &other] {
            all.extend([&port.host, &port.bridge, &port.out, &port.into].map(Clone::clone));
        }
        assert!(
            all.iter().all(|name| name.len() <= 15 && name.starts_with("ct-0badcafe")),
            "{all:?}"
        );
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_ne!(one.address, other.address);
        assert_ne!(one.address, SERVER);
    }
}
