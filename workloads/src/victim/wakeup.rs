//! `cpu/wakeup`: how late a sleeping thread runs again: clock_nanosleep(2) until a tenth of a millisecond from now, and how long after that it
//! is back.
//!
//! It is shown and not judged, as every latency of the CPU is: a scheduler that is fair lets a thread that mostly sleeps in at once, however busy
//! the CPU is. It has no rate that
//! would mean anything either.

use nix::errno::Errno;

use super::probe::Probe;
use crate::clock;

/// The probe's name.
pub const NAME: &str = "cpu/wakeup";

/// How long the thread sleeps, in nanoseconds: long enough for whoever waits for the CPU to get it, and short enough for the CPU not to fall into a
/// deep sleep of its own.
const NAP_NS: u64 = 100_000;

/// See the module.
pub struct Wakeup;

impl Probe for Wakeup {
    fn operate(&mut self) -> Result<(), Errno> {
        clock::sleep(NAP_NS);
        Ok(())
    }

    fn asleep_ns(&self) -> u64 {
        NAP_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_woken_too_early() {
        let begun = clock::now();
        Wakeup.operate().unwrap();
        assert!(clock::now() - begun >= Wakeup.asleep_ns());
    }
}
