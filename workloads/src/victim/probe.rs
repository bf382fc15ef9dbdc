//! What every probe offers.

use std::path::Path;

use nix::errno::Errno;

/// One operation on one resource.
pub trait Probe {
    /// Prepares the operation on the quiet node, where it depends on the machine's speed.
    fn prepare(&mut self) {}

    /// Does the operation once.
    fn operate(&mut self) -> Result<(), Errno>;

    /// How long an operation sleeps because it means to, in nanoseconds: no part of its latency.
    fn asleep_ns(&self) -> u64 {
        0
    }

    /// Whether the next operations read how long the children they wait for had to wait for a CPU.
    fn read_waits(&mut self, _net: bool) {}

    /// How long the children of the last operation had to wait for a CPU, in nanoseconds; 0 without children.
    fn children_waited_ns(&self) -> u64 {
        0
    }
}

/// The probe of this name; one of the node's disk works in `disk`, the sandbox's directory on it.
pub fn named(name: &str, disk: Option<&Path>) -> Option<Box<dyn Probe>> {
    match name {
        super::disk_read::NAME => Some(Box::new(super::disk_read::DiskRead::new(disk?))),
        super::connect::NAME => Some(Box::new(super::connect::Connect)),
        super::datagram::NAME => Some(Box::new(super::datagram::Datagram::default())),
        super::fault::NAME => Some(Box::new(super::fault::Fault)),
        super::fork::NAME => Some(Box::new(super::fork::Fork::default())),
        super::fsync::NAME => Some(Box::new(super::fsync::Fsync::new(disk?))),
        super::open::NAME => Some(Box::new(super::open::Open::default())),
        super::socket::NAME => Some(Box::new(super::socket::Socket)),
        super::random::NAME => Some(Box::new(super::random::Random)),
        super::wakeup::NAME => Some(Box::new(super::wakeup::Wakeup)),
        super::work::NAME => Some(Box::new(super::work::Work::default())),
        _ => None,
    }
}
