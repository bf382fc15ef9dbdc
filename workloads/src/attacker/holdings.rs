//! What each worker holds by itself, in memory shared with its supervisor: a worker that is killed takes all of it along, and
//! nobody else could say how much that was.

use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::raw;

/// A slot for each worker: who has it, and how much that one holds.
#[derive(Clone, Copy)]
pub struct Holdings {
    cells: &'static [AtomicU64],
}

/// Cells of one slot.
const SLOT: usize = 2;

impl Holdings {
    /// Empty slots for so many workers.
    pub fn new(workers: usize) -> Result<Self, Errno> {
        Ok(Self { cells: raw::shared_counters(workers.max(1).saturating_mul(SLOT))? })
    }

    fn slots(self) -> impl Iterator<Item = (&'static AtomicU64, &'static AtomicU64)> {
        self.cells.chunks_exact(SLOT).map(|slot| (&slot[0], &slot[1]))
    }

    /// The worker's side: takes a free slot, or nothing when there is none.
    pub fn claim(self, worker: Pid) -> Option<Own> {
        let number = number(worker)?;
        let free = |owner: &AtomicU64| {
            owner.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        let (_, held) = self.slots().find(|(owner, _)| free(owner))?;
        held.store(0, Ordering::SeqCst);
        Some(Own { held })
    }

    /// The supervisor's side: frees the slot of a worker that has ended, and tells what it held.
    pub fn release(self, worker: Pid) -> u64 {
        let Some(number) = number(worker) else { return 0 };
        let mut slots = self.slots();
        let Some((owner, held)) = slots.find(|(owner, _)| owner.load(Ordering::SeqCst) == number)
        else {
            return 0;
        };
        let amount = held.swap(0, Ordering::SeqCst);
        owner.store(0, Ordering::SeqCst);
        amount
    }
}

/// What one worker holds.
#[derive(Clone, Copy)]
pub struct Own {
    held: &'static AtomicU64,
}

impl Own {
    /// So much more.
    pub fn add(self, amount: u64) {
        self.held.fetch_add(amount, Ordering::SeqCst);
    }
}

fn number(worker: Pid) -> Option<u64> {
    u64::try_from(worker.as_raw()).ok().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_worker_held_is_known_and_its_slot_is_free() {
        let holdings = Holdings::new(2).unwrap();
        let of = |number| Pid::from_raw(number);
        let (one, two) = (holdings.claim(of(7)).unwrap(), holdings.claim(of(8)).unwrap());
        assert!(holdings.claim(of(9)).is_none(), "as many as there are workers");
        one.add(3);
        two.add(5);
        two.add(1);
        assert_eq!(holdings.release(of(8)), 6);
        assert_eq!(holdings.release(of(8)), 0, "once");
        assert_eq!(holdings.release(of(1)), 0, "no worker of ours");
        let next = holdings.claim(of(9)).unwrap();
        next.add(2);
        assert_eq!((holdings.release(of(9)), holdings.release(of(7))), (2, 3));
    }
}
