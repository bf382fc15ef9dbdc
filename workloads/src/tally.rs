//! Counters that a supervisor shares with all its workers, so that nothing is lost when they are killed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;

use crate::protocol::Counts;
use crate::raw;

/// Errno numbers on Linux are below this on every architecture but MIPS, where none that matters here is above it.
const ERRNOS: usize = 134;

const OPERATIONS: usize = 0;
const RESERVED: usize = 1;
const HELD: usize = 2;
const PEAK: usize = 3;
const TARGET: usize = 4;
const CAP_HITS: usize = 5;
const DEADLINE: usize = 6;
const RESPAWNS: usize = 7;
const REFUSALS: usize = 8;

/// The shared counters.
#[derive(Clone, Copy)]
pub struct Tally {
    cells: &'static [AtomicU64],
}

impl Tally {
    /// Zeroed counters in memory that survives and crosses fork(2).
    pub fn new() -> Result<Self, Errno> {
        Ok(Self { cells: raw::shared_counters(REFUSALS + ERRNOS)? })
    }

    fn get(self, cell: usize) -> u64 {
        self.cells[cell].load(Ordering::SeqCst)
    }

    fn set(self, cell: usize, value: u64) {
        self.cells[cell].store(value, Ordering::SeqCst);
    }

    fn add(self, cell: usize) -> u64 {
        self.cells[cell].fetch_add(1, Ordering::SeqCst) + 1
    }

    fn subtract(self, cell: usize) {
        // Workers are killed between two updates, so a counter may be behind: it must never wrap.
        let _ = self.cells[cell]
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |value| value.checked_sub(1));
    }

    /// Opens a new stretch of attack: nothing is held, up to `target` may be, until `deadline`.
    pub fn open(self, target: u64, deadline: u64) {
        for cell in [RESERVED, HELD, CAP_HITS] {
            self.set(cell, 0);
        }
        self.set(TARGET, target);
        self.set(DEADLINE, deadline);
    }

    /// Takes a place below the target, or tells that there is none.
    pub fn reserve(self) -> bool {
        if self.add(RESERVED) <= self.get(TARGET) {
            return true;
        }
        self.subtract(RESERVED);
        self.add(CAP_HITS);
        false
    }

    /// An operation succeeded on a reserved place.
    pub fn succeeded(self) {
        self.add(OPERATIONS);
        let held = self.add(HELD);
        self.cells[PEAK].fetch_max(held, Ordering::SeqCst);
    }

    /// An operation was refused: its place is free again.
    pub fn refused(self, errno: Errno) {
        self.subtract(RESERVED);
        if let Some(cell) = usize::try_from(errno as i32).ok().filter(|&number| number < ERRNOS) {
            self.add(REFUSALS + cell);
        }
    }

    /// Something held is gone.
    pub fn lost(self) {
        self.subtract(RESERVED);
        self.subtract(HELD);
    }

    /// A worker was started again after a kill from outside.
    pub fn respawned(self) {
        self.add(RESPAWNS);
    }

    /// True when the dead-man timer has run out.
    pub fn is_overdue(self, now: u64) -> bool {
        now > self.get(DEADLINE)
    }

    /// How many are held now.
    pub fn held(self) -> u64 {
        self.get(HELD)
    }

    /// How many operations were refused so far, whatever the errno.
    pub fn refusals(self) -> u64 {
        (0..ERRNOS).map(|errno| self.get(REFUSALS + errno)).sum()
    }

    /// How many are wanted.
    pub fn target(self) -> u64 {
        self.get(TARGET)
    }

    /// Everything, for a reply.
    pub fn counts(self) -> Counts {
        let mut refusals = BTreeMap::new();
        for number in 0..ERRNOS {
            let count = self.get(REFUSALS + number);
            if let Some(raw) = i32::try_from(number).ok().filter(|_| count > 0) {
                refusals.insert(format!("{:?}", Errno::from_raw(raw)), count);
            }
        }
        Counts {
            operations: self.get(OPERATIONS),
            refusals,
            peak: self.get(PEAK),
            held: self.get(HELD),
            respawns: self.get(RESPAWNS),
            at_dose_cap: self.get(CAP_HITS) > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_places_than_the_target_are_given() {
        let tally = Tally::new().unwrap();
        tally.open(2, u64::MAX);
        assert!(tally.reserve());
        assert!(tally.reserve());
        assert!(!tally.reserve());
        tally.succeeded();
        tally.refused(Errno::EAGAIN);
        assert!(tally.reserve(), "a refused place is free again");
        let counts = tally.counts();
        assert_eq!((counts.operations, counts.held, counts.peak), (1, 1, 1));
        assert_eq!(counts.refusals, BTreeMap::from([("EAGAIN".to_owned(), 1)]));
        assert!(counts.at_dose_cap);
    }

    #[test]
    fn losing_more_than_is_held_does_not_wrap() {
        let tally = Tally::new().unwrap();
        tally.open(1, 0);
        tally.lost();
        tally.lost();
        assert_eq!(tally.held(), 0);
        assert!(tally.is_overdue(1));
    }
}
