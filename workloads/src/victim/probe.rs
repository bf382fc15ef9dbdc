//! What every probe offers.

use nix::errno::Errno;

/// One operation on one resource.
pub trait Probe {
    /// Prepares the operation on the quiet node, where it depends on the machine's speed.
    fn prepare(&mut self) {}

    /// Does the operation once.
    fn operate(&mut self) -> Result<(), Errno>;

    /// Whether the next operations read how long the children they wait for had to wait for a CPU.
    fn read_waits(&mut self, _net: bool) {}

    /// How long the children of the last operation had to wait for a CPU, in nanoseconds; 0 without children.
    fn children_waited_ns(&self) -> u64 {
        0
    }
}

/// The probe of this name.
pub fn named(name: &str) -> Option<Box<dyn Probe>> {
    match name {
        super::fork::NAME => Some(Box::new(super::fork::Fork::default())),
        super::work::NAME => Some(Box::new(super::work::Work::default())),
        _ => None,
    }
}
