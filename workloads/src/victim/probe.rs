//! What every probe offers.

use nix::errno::Errno;

/// One operation on one resource.
pub trait Probe {
    /// Prepares the operation on the quiet node, where it depends on the machine's speed.
    fn prepare(&mut self) {}

    /// Does the operation once.
    fn operate(&mut self) -> Result<(), Errno>;
}

/// The probe of this name.
pub fn named(name: &str) -> Option<Box<dyn Probe>> {
    match name {
        super::fork::NAME => Some(Box::new(super::fork::Fork)),
        super::work::NAME => Some(Box::new(super::work::Work::default())),
        _ => None,
    }
}
