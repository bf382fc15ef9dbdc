//! The victim's role: an init that relays orders, and one process for each probe.
//!
//! Every probe has a process of its own, made before any attack: a slow operation of one cannot delay another, and no
//! probe needs the attacked resource just to exist.

mod connect;
mod datagram;
mod delay;
mod disk_read;
mod fault;
mod fork;
mod fsync;
mod measure;
mod open;
mod probe;
mod random;
mod relay;
mod service;
mod socket;
mod wakeup;
mod work;

pub use relay::{VictimOrder, run};
pub use service::{Check, ServiceOrder};

/// The probes, `resource/operation`, in the order in which they are started.
pub const PROBES: [&str; 11] = [
    work::NAME,
    wakeup::NAME,
    fork::NAME,
    random::NAME,
    open::NAME,
    socket::NAME,
    fault::NAME,
    fsync::NAME,
    disk_read::NAME,
    datagram::NAME,
    connect::NAME,
];
