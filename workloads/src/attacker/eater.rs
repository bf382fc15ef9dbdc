//! The memory eater: workers that take memory, write to every page, and keep what they got. It is private memory, a file in memory, or the
//! page cache of a file, by its kind.
//!
//! One operation is one page of the kernel's usual size that a worker wrote to for the first time; it counts them 64 at a time, so a
//! worker that is killed may have touched up to 63 more. What is held, and the peak of it, are pages too. A refusal is an
//! mmap(2), a write(2) or a fork(2) that failed, by errno. Hardly anything is refused but by a file system that is full: memory is promised
//! freely, and who touches it where there is none is killed. Kills are counted apart.
//!
//! Of the page cache an operation is a page of the file that was read, for the first time or again, and what is held are pages that were read at least once: the
//! kernel takes such pages back where it needs room, kills nobody for them, and tells nobody. So a worker that has read all goes on reading it,
//! and the kernel's own count in the ceiling says how much of it there was at any time.
//!
//! Who is killed is the kernel's choice: the process that holds most, as a rule (`oom_badness` of mm/oom_kill.c). So one large worker
//! dies itself, and many small ones are each as good a choice as any other process of that size. A worker that raises its own
//! oom_score_adj offers itself.

use std::fs;

use nix::errno::Errno;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::pantry::{Pantry, Place};
use super::{AttackOrder, End, Workload};
use crate::protocol::Counts;
use crate::tally::Tally;
use crate::{clock, raw};

/// How memory is eaten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryOrder {
    /// Bytes that all workers together want to hold, or the size of one allocation; the dose when absent.
    pub size_bytes: Option<u64>,
    /// Workers that share in it.
    pub workers: u64,
    /// Bytes a second that all workers together touch at most; as fast as they can when absent.
    pub rate_bytes_per_second: Option<u64>,
    /// So many allocations of the whole size, one after the other, each by a worker of its own that ends with it, instead of
    /// holding: in all, however often the attack is switched on.
    pub allocations: Option<u64>,
    /// Workers ask the OOM killer to be taken first.
    pub attacker_first: bool,
}

impl Default for MemoryOrder {
    fn default() -> Self {
        Self {
            size_bytes: None,
            workers: 8,
            rate_bytes_per_second: None,
            allocations: None,
            attacker_first: false,
        }
    }
}

/// The most workers of one attacker.
const MOST_WORKERS: u64 = 256;
/// Pause of one worker after a refusal, in nanoseconds.
const RETRY_NS: u64 = 10_000_000;
/// Pause of one worker that has its share, in nanoseconds.
const HOLD_NS: u64 = 50_000_000;
/// The highest oom_score_adj (proc_pid_oom_score_adj(5)): whoever has it is taken before all who have not.
const TAKE_ME_FIRST: &str = "1000";
/// How a worker ends that cannot begin.
const UNFIT: i32 = 1;

/// See the module.
pub struct Eater {
    ledger: Ledger,
    place: Place,
    page_bytes: usize,
    workers: u64,
    /// Pages that each worker wants.
    share: u64,
    /// Time for one page of one worker, in nanoseconds; 0 for no rate.
    page_ns: u64,
    allocations: Option<u64>,
    attacker_first: bool,
}

impl Eater {
    /// As ordered, within the dose; the intensity is a share of the size.
    pub fn new(order: &AttackOrder) -> Result<Self, String> {
        let disk = order.disk.as_ref().map(|disk| disk.folder.as_path());
        let place = Place::named(order.kind.as_deref(), disk)?;
        let memory = order.memory.unwrap_or_default();
        let page_bytes = raw::page_bytes();
        let page = u64::try_from(page_bytes).map_err(|_| "a page of that size".to_owned())?;
        let most = if memory.allocations.is_some() { 1 } else { memory.workers };
        let workers = most.min(MOST_WORKERS).min(order.dose.tasks).max(1);
        let size = memory.size_bytes.unwrap_or(u64::MAX).min(order.dose.bytes);
        let pages = size / page / 100 * u64::from(order.intensity.min(100))
            + size / page % 100 * u64::from(order.intensity.min(100)) / 100;
        let idle = order.intensity == 0;
        let page_ns = memory.rate_bytes_per_second.map_or(0, |rate| {
            page.saturating_mul(workers).saturating_mul(1_000_000_000) / rate.max(1)
        });
        Ok(Self {
            ledger: Ledger::new(workers)
                .map_err(|errno: Errno| format!("shared counters: {errno:?}"))?,
            place,
            page_bytes,
            workers: if idle { 0 } else { workers },
            share: (pages / workers).max(1),
            page_ns,
            allocations: memory.allocations,
            attacker_first: memory.attacker_first,
        })
    }
}

impl Workload for Eater {
    fn target(&self) -> u64 {
        self.workers()
    }

    fn workers(&self) -> u64 {
        match self.allocations {
            Some(_) if !self.is_unfinished() => 0,
            _ => self.workers,
        }
    }

    /// In pages. A series of allocations is on as soon as the first page of it is touched.
    fn progress(&self, _tally: Tally) -> (u64, u64) {
        let each = if self.allocations.is_some() { 1 } else { self.share };
        (self.ledger.look(), self.workers() * each)
    }

    fn ended(&self, worker: Pid, end: End, tally: Tally) {
        tally.lost();
        self.ledger.release(u32::try_from(worker.as_raw()).unwrap_or(0));
        if end.is_over {
            self.ledger.finish();
        }
    }

    fn is_unfinished(&self) -> bool {
        self.workers > 0 && self.allocations.is_some_and(|all| self.ledger.finished() < all)
    }

    fn counted(&self, counts: Counts) -> Counts {
        let (operations, peak) = self.ledger.totals();
        let page = u64::try_from(self.page_bytes).unwrap_or(0);
        Counts {
            operations,
            peak,
            held: self.ledger.held(),
            peak_bytes: Some(peak.saturating_mul(page)),
            ..counts
        }
    }

    fn work(&self, tally: Tally) -> ! {
        if self.attacker_first && fs::write("/proc/self/oom_score_adj", TAKE_ME_FIRST).is_err() {
            raw::exit_now(UNFIT);
        }
        let Some(slot) = self.ledger.claim(std::process::id()) else { raw::exit_now(UNFIT) };
        let begun = clock::now();
        let mut pantry = Pantry::new(self.place.clone(), self.page_bytes);
        let (mut eaten, mut used_again) = (0, 0);
        while !tally.is_overdue(clock::now()) {
            let left = self.share - eaten;
            if left == 0 && self.allocations.is_some() {
                break;
            }
            let again = left == 0 && self.place.is_reclaimed();
            if left == 0 && !again {
                clock::sleep(HOLD_NS);
                continue;
            }
            // An allocation is one piece, whatever its size.
            let done = match again {
                true => pantry.use_again(self.share),
                false => pantry.take(left, self.allocations.is_some()),
            };
            match done {
                Ok(touched) if again => {
                    self.ledger.touch(touched);
                    used_again += touched;
                }
                Ok(touched) => {
                    self.ledger.book(slot, touched);
                    eaten += touched;
                }
                Err(errno) => {
                    tally.denied(errno);
                    clock::sleep(RETRY_NS);
                    continue;
                }
            }
            if self.page_ns > 0 {
                let all = eaten.saturating_add(used_again);
                clock::sleep_until(begun.saturating_add(all.saturating_mul(self.page_ns)));
            }
        }
        raw::exit_now(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn eater(memory: MemoryOrder, intensity: u8, bytes: u64) -> Eater {
        let dose = Dose { tasks: 100, bytes, seconds: 1, unguarded: false };
        let memory = Some(memory);
        let order = AttackOrder { intensity, memory, ..AttackOrder::full("memory-eater", dose) };
        Eater::new(&order).unwrap()
    }

    fn bytes(eater: &Eater) -> u64 {
        let (_, target) = eater.progress(Tally::new().unwrap());
        target * u64::try_from(eater.page_bytes).unwrap()
    }

    #[test]
    fn the_size_is_shared_and_never_above_the_dose() {
        let order = MemoryOrder::default();
        let all = eater(order, 100, 64 << 20);
        assert_eq!((all.workers(), bytes(&all)), (8, 64 << 20));
        assert_eq!(bytes(&eater(order, 50, 64 << 20)), 32 << 20);
        let huge = MemoryOrder { size_bytes: Some(1 << 40), workers: 1000, ..order };
        let held = eater(huge, 100, 64 << 20);
        assert!(held.workers() == 100 && bytes(&held) <= 64 << 20);
        let none = eater(order, 0, 64 << 20);
        assert_eq!((none.workers(), none.target(), bytes(&none)), (0, 0, 0));
    }

    #[test]
    fn a_rate_is_that_of_all_workers_together() {
        let order = MemoryOrder { rate_bytes_per_second: Some(4 << 20), ..MemoryOrder::default() };
        let eater = eater(order, 100, 64 << 20);
        let pages_per_second = 1_000_000_000 * eater.workers() / eater.page_ns;
        let bytes = pages_per_second * u64::try_from(eater.page_bytes).unwrap();
        assert!(bytes.abs_diff(4 << 20) < 64 << 10, "{bytes}");
    }

    #[test]
    fn so_many_allocations_are_made_in_all_and_none_that_was_cut_short_counts() {
        let order = MemoryOrder { allocations: Some(2), ..MemoryOrder::default() };
        let eater = eater(order, 100, 64 << 20);
        let (worker, tally) = (Pid::from_raw(7), Tally::new().unwrap());
        let end = |is_over| End { is_worker: true, is_over };
        assert_eq!(eater.workers(), 1);
        eater.ended(worker, end(true), tally);
        eater.ended(worker, end(false), tally);
        assert!(eater.is_unfinished());
        eater.ended(worker, end(true), tally);
        assert_eq!((eater.is_unfinished(), eater.workers(), eater.target()), (false, 0, 0));
    }
}
