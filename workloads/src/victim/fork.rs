//! `pids/fork`: one fork(2), a child that ends at once, and the wait for it.

use nix::errno::Errno;
use nix::sys::wait::waitpid;

use super::probe::Probe;
use crate::raw;

/// The probe's name.
pub const NAME: &str = "pids/fork";

/// See the module.
pub struct Fork;

impl Probe for Fork {
    fn operate(&mut self) -> Result<(), Errno> {
        match raw::fork()? {
            raw::Fork::Child => raw::exit_now(0),
            raw::Fork::Parent(child) => waitpid(child, None).map(drop),
        }
    }
}
