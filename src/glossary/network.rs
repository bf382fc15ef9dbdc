//! The texts about the network.

use super::entries::{detail, entry};
use super::{Entry, Kind};

/// The workload.
pub(super) const FLOOD: Entry = Entry {
    name: "net-flood",
    kind: Kind::Workload,
    meaning: "floods the node's uplink with datagrams, streams or connections, as fast as the kernel takes them",
    details: &[
        detail("own resource", "network"),
        detail(
            "operation",
            "of kind `udp` one datagram of 64 bytes that the kernel took, of kind `tcp` 16 KiB that went either way, of kind `connect` \
             one connection that was made; a refusal is a call that failed: EAGAIN where the own buffers are full, ETIMEDOUT where nobody \
             answered within 250 ms",
        ),
        detail(
            "mechanism",
            "what all sandboxes of a node send leaves by one link, in the order in which it comes: who sends most has most of the queue \
             in front of that link, and what finds the queue full is lost",
        ),
        detail("kernel knob", "none in a cgroup; a queue of tc at the link, such as tbf"),
        detail(
            "Kubernetes",
            "the annotations kubernetes.io/egress-bandwidth and kubernetes.io/ingress-bandwidth, where the CNI has its bandwidth plugin",
        ),
        detail("Docker", "none"),
        detail(
            "dose",
            "one task; 10,000,000 datagrams or connections, or 4 GiB, in one stretch of attack; intensity is the flooding share of each \
             period of 100 ms",
        ),
        detail("ends", "on order, and by itself after 30 s"),
        detail(
            "why it means something",
            "what the kernel took may be lost later: how much came through is read from the link, and stands in the ceiling",
        ),
    ],
};

/// The probe of datagrams.
pub(super) const UDP: Entry = Entry {
    name: "network/udp",
    kind: Kind::Probe,
    meaning: "does a question over the uplink still get its answer, and how fast?",
    details: &[
        detail("resource", "network"),
        detail(
            "operation",
            "one UDP datagram of 64 bytes to the server beyond the uplink, and its echo",
        ),
        detail(
            "fails",
            "with ETIME when the echo is not there after 100 ms, and with the error of send or recv",
        ),
        detail(
            "why it means something",
            "names are looked up like that, and nobody sends a lost datagram again but who waits for it",
        ),
    ],
};

/// The probe of connections.
pub(super) const CONNECT: Entry = Entry {
    name: "network/connect",
    kind: Kind::Probe,
    meaning: "can a connection still be made over the uplink, and how fast?",
    details: &[
        detail("resource", "network"),
        detail(
            "operation",
            "one TCP connection to the server beyond the uplink, and its end by a reset",
        ),
        detail(
            "fails",
            "with ETIME when there is no connection after 100 ms (the kernel tries again only after a second), and with the error of \
             connect",
        ),
        detail("why it means something", "every request to a service begins with one"),
    ],
};

/// The limit.
pub(super) const NET: Entry = Entry {
    name: "net",
    kind: Kind::Limit,
    meaning: "what the sandbox may send and receive, in bits per second: one rate for both, or `egress` and `ingress`",
    details: &[
        detail("resource", "network"),
        detail("cgroup v1", "none: tbf at the node's end of the sandbox's link"),
        detail("cgroup v2", "none: tbf at the node's end of the sandbox's link"),
        detail(
            "Kubernetes",
            "annotations kubernetes.io/egress-bandwidth and kubernetes.io/ingress-bandwidth, where the CNI has its bandwidth plugin",
        ),
        detail("Docker", "none"),
        detail(
            "mechanism",
            "a token bucket on a link outside the sandbox, which cannot be reached from inside: packets beyond the rate wait for 25 ms at \
             most, and then are lost. Ethernet headers count",
        ),
        detail("bounded", "64k up to the node's `uplink`"),
        detail(
            "why it means something",
            "no controller of cgroups knows the network; what the ceiling says is read from the link's own counters",
        ),
    ],
};

/// A key of the node.
pub(super) const UPLINK: Entry = entry(
    Kind::Word,
    "uplink",
    "what the one link carries, in bits per second in each direction, that all sandboxes of a node share; a node has none unless its \
     scenario says so",
);
