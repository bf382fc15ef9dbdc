//! The fork bomb of threads: one worker makes sleeping threads of its own process until the kernel refuses.
//!
//! To the kernel a thread is a task with a number like any process; a limit that counted processes alone would let it pass. One
//! operation is one clone(2) with `CLONE_THREAD` that succeeded, a refusal is one that failed, by errno. The worker itself is held
//! and no operation. All threads end with their process, so there is nothing to reap but the worker.

use nix::unistd::Pid;

use super::{AttackOrder, End, Workload};
use crate::clock;
use crate::raw::{self, Sleepers};
use crate::tally::Tally;

/// Pause after a refusal, in nanoseconds: one worker tries for all of them.
const RETRY_NS: u64 = 1_000_000;

/// Pause when the dose is reached, in nanoseconds.
const HOLD_NS: u64 = 50_000_000;

/// See the module.
pub struct Threadbomb {
    tasks: u64,
}

impl Threadbomb {
    /// As many tasks as the intensity asks for, the worker's own first thread among them.
    pub fn new(order: &AttackOrder) -> Self {
        Self { tasks: order.dose.share(order.intensity) }
    }
}

impl Workload for Threadbomb {
    fn target(&self) -> u64 {
        self.tasks
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    fn ended(&self, _child: Pid, end: End, tally: Tally) {
        if end.is_worker {
            tally.lost_all();
        }
    }

    fn work(&self, tally: Tally) -> ! {
        let threads = usize::try_from(self.tasks.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut sleepers = match Sleepers::new(threads) {
            Ok(sleepers) => sleepers,
            Err(errno) => {
                tally.denied(errno);
                raw::exit_now(1)
            }
        };
        while !tally.is_overdue(clock::now()) {
            if !tally.reserve() {
                clock::sleep(HOLD_NS);
                continue;
            }
            match sleepers.start_one() {
                Ok(()) => tally.succeeded(),
                Err(errno) => {
                    tally.refused(errno);
                    clock::sleep(RETRY_NS);
                }
            }
        }
        raw::exit_now(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn bomb(tasks: u64, intensity: u8) -> Threadbomb {
        let dose = Dose { tasks, bytes: 0, seconds: 1, unguarded: false };
        let kind = Some("thread".to_owned());
        Threadbomb::new(&AttackOrder { kind, intensity, ..AttackOrder::full("forkbomb", dose) })
    }

    #[test]
    fn intensity_is_a_share_of_the_tasks() {
        assert_eq!((bomb(512, 100).target(), bomb(512, 1).target()), (512, 5));
        assert_eq!(bomb(512, 0).target(), 0);
    }

    #[test]
    fn the_end_of_the_worker_is_the_end_of_all_its_threads() {
        let bomb = bomb(8, 100);
        let tally = Tally::new().unwrap();
        tally.open(bomb.target(), u64::MAX);
        assert!(tally.reserve());
        tally.joined();
        for _ in 0..3 {
            assert!(tally.reserve());
            tally.succeeded();
        }
        let counts = tally.counts();
        assert_eq!(
            (counts.operations, counts.held),
            (3, 4),
            "the worker is held, and no operation"
        );
        bomb.ended(Pid::from_raw(7), End { is_worker: true, is_over: true }, tally);
        assert_eq!(tally.held(), 0);
        assert!(!bomb.start_is_operation());
    }
}
