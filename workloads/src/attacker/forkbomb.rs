//! The fork bomb, of processes unless ordered otherwise: every worker forks, every child does the same, until the kernel refuses. Then all hold what they got
//! and keep trying.
//!
//! One operation is one fork(2) that succeeded. A refusal is one that failed, by errno. Children die with their parent,
//! so that ending the first worker ends the whole tree even without a PID namespace.

use super::churn::Churn;
use super::threadbomb::Threadbomb;
use super::{AttackOrder, Workload};
use crate::raw::{self, Fork};
use crate::tally::Tally;
use crate::{clock, raw::exit_now};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::getppid;

/// Pause of one worker after a refusal, in nanoseconds. Hundreds of workers retry side by side, so the kernel still sees
/// tens of thousands of attempts a second.
const RETRY_NS: u64 = 10_000_000;

/// Pause of one worker when the dose is reached, in nanoseconds.
const HOLD_NS: u64 = 50_000_000;

/// The bomb of the kind that was ordered.
///
/// # Errors
/// A sentence for people when there is no such kind.
pub fn of_kind(order: &AttackOrder) -> Result<Box<dyn Workload>, String> {
    Ok(match order.kind.as_deref() {
        None | Some("process") => Box::new(Forkbomb::new(order)),
        Some("thread") => Box::new(Threadbomb::new(order)),
        Some("churn") => Box::new(Churn::new(order)),
        Some(other) => return Err(format!("a forkbomb has no kind `{other}`")),
    })
}

/// See the module.
pub struct Forkbomb {
    tasks: u64,
}

impl Forkbomb {
    /// As many tasks as the intensity asks for.
    pub fn new(order: &AttackOrder) -> Self {
        Self { tasks: order.dose.share(order.intensity) }
    }
}

impl Workload for Forkbomb {
    fn target(&self) -> u64 {
        self.tasks
    }

    fn work(&self, tally: Tally) -> ! {
        while !tally.is_overdue(clock::now()) {
            reap(tally);
            if !tally.reserve() {
                clock::sleep(HOLD_NS);
                continue;
            }
            let parent = nix::unistd::getpid();
            match raw::fork() {
                Ok(Fork::Child) => {
                    // The parent may have died before the request took effect: then nobody would end this process.
                    if raw::die_with_parent().is_err() || getppid() != parent {
                        exit_now(1);
                    }
                }
                Ok(Fork::Parent(_)) => tally.succeeded(),
                Err(errno) => {
                    tally.refused(errno);
                    clock::sleep(RETRY_NS);
                }
            }
        }
        exit_now(0)
    }
}

/// Collects children that something outside killed, so that their places can be taken again.
fn reap(tally: Tally) {
    while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) =
        waitpid(None, Some(WaitPidFlag::WNOHANG))
    {
        tally.lost();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn of(kind: Option<&str>) -> Result<Box<dyn Workload>, String> {
        let dose = Dose { tasks: 64, bytes: 0, seconds: 1, unguarded: false };
        let kind = kind.map(str::to_owned);
        of_kind(&AttackOrder { kind, ..AttackOrder::full("forkbomb", dose) })
    }

    #[test]
    fn every_kind_is_known_and_no_other() {
        for kind in [None, Some("process"), Some("thread"), Some("churn")] {
            assert!(of(kind).is_ok(), "{kind:?}");
        }
        assert!(of(Some("fibre")).is_err_and(|error| error.contains("`fibre`")));
        // Those that hold what they got want all of the dose; the churner wants a CPU.
        assert_eq!(of(Some("thread")).map(|it| (it.target(), it.workers())), Ok((64, 1)));
        assert!(of(Some("churn")).is_ok_and(|it| it.target() == it.workers()));
    }
}
