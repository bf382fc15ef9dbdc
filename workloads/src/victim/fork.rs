//! `pids/fork`: one fork(2), a child that ends at once, and the wait for it.

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};

use super::delay;
use super::probe::Probe;
use crate::raw;

/// The probe's name.
pub const NAME: &str = "pids/fork";

/// See the module.
#[derive(Default)]
pub struct Fork {
    /// Whether the children's wait for a CPU is read before they are reaped.
    net: bool,
    waited_ns: u64,
}

impl Probe for Fork {
    fn operate(&mut self) -> Result<(), Errno> {
        self.waited_ns = 0;
        match raw::fork()? {
            raw::Fork::Child => raw::exit_now(0),
            raw::Fork::Parent(child) => {
                if self.net {
                    waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
                    self.waited_ns = delay::of_child(child).unwrap_or(0);
                }
                waitpid(child, None).map(drop)
            }
        }
    }

    fn read_waits(&mut self, net: bool) {
        self.net = net;
    }

    fn children_waited_ns(&self) -> u64 {
        self.waited_ns
    }
}
