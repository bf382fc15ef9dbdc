//! `memory/fault`: map 64 pages of private memory, write to each of them, unmap them.
//!
//! Why 64: the kernel charges a group for so many pages at a time and keeps what is left over for the CPU
//! (`MEMCG_CHARGE_BATCH` of linux/memcontrol.h). An operation on fewer pages could be served from what was left, and would not
//! notice that there is no more.

use nix::errno::Errno;

use super::probe::Probe;
use crate::raw;

/// The probe's name.
pub const NAME: &str = "memory/fault";

/// Pages in one operation.
const PAGES: usize = 64;

/// See the module.
pub struct Fault;

impl Probe for Fault {
    /// Pages of the usual size, so that one operation is always as many faults. A kernel without huge pages refuses the request, and
    /// needs none.
    fn prepare(&mut self) {
        let _ = raw::no_huge_pages();
    }

    fn operate(&mut self) -> Result<(), Errno> {
        raw::allocate_and_touch(PAGES * raw::page_bytes())
    }
}
