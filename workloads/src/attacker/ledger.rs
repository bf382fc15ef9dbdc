//! How many pages each worker of a memory eater holds: counters that outlive the workers.
//!
//! Each worker has a slot with its process ID, so that what it held is taken off the sum when it is reaped, however it died.

use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;

use crate::raw;

const TOUCHED: usize = 0;
const PEAK: usize = 1;
const FINISHED: usize = 2;
const SLOTS: usize = 3;

/// See the module.
#[derive(Clone, Copy)]
pub struct Ledger {
    cells: &'static [AtomicU64],
}

impl Ledger {
    /// An empty ledger for so many workers at a time.
    pub fn new(workers: u64) -> Result<Self, Errno> {
        let slots = usize::try_from(workers).map_err(|_| Errno::EINVAL)?;
        Ok(Self { cells: raw::shared_counters(SLOTS + 2 * slots)? })
    }

    /// Slots: the owner's process ID, 0 for nobody, and the pages that it holds.
    fn slots(self) -> impl Iterator<Item = (&'static AtomicU64, &'static AtomicU64)> {
        self.cells[SLOTS..].chunks_exact(2).map(|slot| (&slot[0], &slot[1]))
    }

    /// The pages of a free slot, which is this process's from now on; `None` when all are taken.
    pub fn claim(self, process: u32) -> Option<&'static AtomicU64> {
        self.slots()
            .find(|(owner, _)| {
                owner
                    .compare_exchange(0, u64::from(process), Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok()
            })
            .map(|(_, pages)| pages)
    }

    /// Pages were touched for the first time by the owner of a slot.
    pub fn book(self, slot: &AtomicU64, pages: u64) {
        self.touch(pages);
        slot.fetch_add(pages, Ordering::SeqCst);
    }

    /// Pages were touched that count as held already.
    pub fn touch(self, pages: u64) {
        self.cells[TOUCHED].fetch_add(pages, Ordering::SeqCst);
    }

    /// Looks how much is held, for the peak. Only whoever has just released what the dead held knows that.
    pub fn look(self) -> u64 {
        let held = self.held();
        self.cells[PEAK].fetch_max(held, Ordering::SeqCst);
        held
    }

    /// The owner of a slot is dead.
    pub fn release(self, process: u32) {
        for (owner, pages) in self.slots() {
            if owner.load(Ordering::SeqCst) == u64::from(process) {
                // Not free for the next one before it is empty. So much was held when it died, whatever the others had.
                let held = pages.swap(0, Ordering::SeqCst);
                self.cells[PEAK].fetch_max(held, Ordering::SeqCst);
                owner.store(0, Ordering::SeqCst);
            }
        }
    }

    /// One more allocation is over, however it ended.
    pub fn finish(self) {
        self.cells[FINISHED].fetch_add(1, Ordering::SeqCst);
    }

    /// Allocations that are over.
    pub fn finished(self) -> u64 {
        self.cells[FINISHED].load(Ordering::SeqCst)
    }

    /// Pages held now, those of workers whose death nobody has seen yet included.
    pub fn held(self) -> u64 {
        self.slots().map(|(_, pages)| pages.load(Ordering::SeqCst)).sum()
    }

    /// Pages that were ever touched, each time that counts as an operation, and the most that were held at once.
    pub fn totals(self) -> (u64, u64) {
        (self.cells[TOUCHED].load(Ordering::SeqCst), self.cells[PEAK].load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_worker_held_is_held_no_more() {
        let ledger = Ledger::new(2).unwrap();
        let (one, two) = (ledger.claim(7).unwrap(), ledger.claim(8).unwrap());
        assert!(ledger.claim(9).is_none());
        ledger.book(one, 16);
        ledger.book(two, 4);
        assert_eq!(ledger.look(), 20);
        ledger.release(7);
        ledger.book(ledger.claim(9).unwrap(), 1);
        assert_eq!((ledger.look(), ledger.totals()), (5, (21, 20)));
        ledger.book(two, 39);
        ledger.touch(1);
        ledger.release(8);
        assert_eq!(ledger.totals(), (61, 43), "alone, before anybody looked");
        ledger.release(100);
        assert_eq!(ledger.held(), 1, "nobody of that number has a slot");
    }
}
