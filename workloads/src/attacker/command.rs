//! Any program: the supervisor starts it, starts it again when it ends, and kills whatever has become of it.
//!
//! One operation is one start. What the program does is counted by the kernel, in the sandbox's cgroup; what refuses it, it keeps to
//! itself. Its only bounds are the sandbox, the node and the dead-man timer: nobody can tell somebody else's program how much to take.

use nix::unistd::Pid;

use super::{AttackOrder, End, Workload};
use crate::program::Program;
use crate::tally::Tally;

/// A program that has run for so long has started: what cannot work ends sooner.
const STARTED_NS: u64 = 100_000_000;

/// See the module.
#[derive(Debug)]
pub struct Command {
    program: Program,
}

impl Command {
    /// The program of an order.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn new(order: &AttackOrder) -> Result<Self, String> {
        Ok(Self { program: Program::new(&order.command)? })
    }
}

impl Workload for Command {
    fn target(&self) -> u64 {
        1
    }

    fn settle_ns(&self) -> u64 {
        STARTED_NS
    }

    /// Orphans of a program that is not ours were never counted.
    fn ended(&self, _child: Pid, end: End, tally: Tally) {
        if end.is_worker {
            tally.lost();
        }
    }

    fn work(&self, _tally: Tally) -> ! {
        self.program.become_it()
    }
}
