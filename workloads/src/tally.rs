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
/// Operations before the stretch of attack that goes on.
const BEFORE: usize = 8;
const REFUSALS: usize = 9;
const KILLS: usize = REFUSALS + ERRNOS;
const CELLS: usize = KILLS + 1;

/// The shared counters.
#[derive(Clone, Copy)]
pub struct Tally {
    cells: &'static [AtomicU64],
}

impl Tally {
    /// Zeroed counters in memory that survives and crosses fork(2).
    pub fn new() -> Result<Self, Errno> {
        Ok(Self { cells: raw::shared_counters(CELLS)? })
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
        self.take(cell, 1);
    }

    fn take(self, cell: usize, count: u64) {
        // Workers are killed between two updates, so a counter may be behind: it must never wrap.
        let _ = self.cells[cell].fetch_update(Ordering::SeqCst, Ordering::SeqCst, |value| {
            Some(value.saturating_sub(count))
        });
    }

    /// Opens a new stretch of attack: nothing is held, up to `target` may be, until `deadline`.
    pub fn open(self, target: u64, deadline: u64) {
        for cell in [RESERVED, HELD, CAP_HITS] {
            self.set(cell, 0);
        }
        self.set(BEFORE, self.get(OPERATIONS));
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

    /// Takes so many places below the target, or tells that there are not as many.
    pub fn reserve_all(self, count: u64) -> bool {
        if self.cells[RESERVED].fetch_add(count, Ordering::SeqCst) + count <= self.get(TARGET) {
            return true;
        }
        self.free(count);
        self.add(CAP_HITS);
        false
    }

    /// So many reserved places are free again.
    pub fn free(self, count: u64) {
        self.take(RESERVED, count);
    }

    /// One operation succeeded on so many reserved places.
    pub fn gained(self, count: u64) {
        self.add(OPERATIONS);
        let held = self.cells[HELD].fetch_add(count, Ordering::SeqCst) + count;
        self.cells[PEAK].fetch_max(held, Ordering::SeqCst);
    }

    /// So much of what was held is gone, with the places.
    pub fn give_back(self, count: u64) {
        self.take(RESERVED, count);
        self.take(HELD, count);
    }

    /// An operation succeeded on a reserved place.
    pub fn succeeded(self) {
        self.add(OPERATIONS);
        self.joined();
    }

    /// A reserved place is taken by something that is no operation.
    pub fn joined(self) {
        let held = self.add(HELD);
        self.cells[PEAK].fetch_max(held, Ordering::SeqCst);
    }

    /// So many operations succeeded that hold nothing.
    pub fn operated(self, count: u64) {
        self.cells[OPERATIONS].fetch_add(count, Ordering::SeqCst);
    }

    /// An operation was refused: its place is free again.
    pub fn refused(self, errno: Errno) {
        self.subtract(RESERVED);
        self.denied(errno);
    }

    /// An operation was refused that would have held no place.
    pub fn denied(self, errno: Errno) {
        if let Some(cell) = usize::try_from(errno as i32).ok().filter(|&number| number < ERRNOS) {
            self.add(REFUSALS + cell);
        }
    }

    /// Something held is gone.
    pub fn lost(self) {
        self.subtract(RESERVED);
        self.subtract(HELD);
    }

    /// Everything held is gone.
    pub fn lost_all(self) {
        self.set(RESERVED, 0);
        self.set(HELD, 0);
    }

    /// A worker was started again after a kill from outside.
    pub fn respawned(self) {
        self.add(RESPAWNS);
    }

    /// A worker was killed, and not by its supervisor.
    pub fn killed(self) {
        self.add(KILLS);
    }

    /// How many workers were killed so far.
    pub fn kills(self) -> u64 {
        self.get(KILLS)
    }

    /// True when the dead-man timer has run out.
    pub fn is_overdue(self, now: u64) -> bool {
        now > self.get(DEADLINE)
    }

    /// How many are held now.
    pub fn held(self) -> u64 {
        self.get(HELD)
    }

    /// How often a worker was started again so far.
    pub fn respawns(self) -> u64 {
        self.get(RESPAWNS)
    }

    /// How many operations were refused so far, whatever the errno.
    pub fn refusals(self) -> u64 {
        (0..ERRNOS).map(|errno| self.get(REFUSALS + errno)).sum()
    }

    /// Operations that succeeded since the stretch of attack was opened.
    pub fn operations_since_open(self) -> u64 {
        self.get(OPERATIONS).saturating_sub(self.get(BEFORE))
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
            kills: self.get(KILLS),
            workers: self.get(HELD),
            peak_bytes: None,
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
    fn a_worker_that_is_no_operation_is_held_all_the_same() {
        let tally = Tally::new().unwrap();
        tally.open(1, u64::MAX);
        assert!(tally.reserve());
        tally.joined();
        tally.operated(64);
        tally.denied(Errno::EAGAIN);
        let counts = tally.counts();
        assert_eq!((counts.operations, counts.held, counts.peak), (64, 1, 1));
        assert_eq!(tally.refusals(), 1);
        assert!(!tally.reserve(), "a failure without a place frees none");
    }

    #[test]
    fn what_one_worker_held_is_given_back_whole() {
        let tally = Tally::new().unwrap();
        tally.open(5, u64::MAX);
        assert!(tally.reserve_all(2));
        tally.gained(2);
        assert!(tally.reserve_all(2));
        tally.gained(2);
        assert!(!tally.reserve_all(2), "one place is left");
        assert!(tally.reserve_all(1));
        tally.free(1);
        tally.give_back(2);
        let counts = tally.counts();
        assert_eq!((counts.operations, counts.held, counts.peak), (2, 2, 4));
        assert!(counts.at_dose_cap && tally.reserve_all(3));
        tally.give_back(9);
        assert_eq!(tally.held(), 0, "never below nothing");
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
