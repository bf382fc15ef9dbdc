//! The log spammer: writes lines to its standard error for as long as somebody reads them, and keeps trying when nobody does.
//!
//! It takes hardly anything for itself. What it drains is the CPU of whoever reads, who is outside of every limit of its sandbox. One
//! operation is one line that was taken whole (a write of no more than `PIPE_BUF` bytes is, pipe(7)); a refusal is a write that failed,
//! by errno: `EAGAIN` when the pipe is full. Standard output carries the orders, so that is left alone.

use std::io;

use nix::errno::Errno;

use super::{AttackOrder, Workload};
use crate::clock;
use crate::raw;
use crate::tally::Tally;

/// Bytes of a line, its end included.
const LINE_BYTES: usize = 128;
/// Lines a second at full intensity: 25.6 MB, several times what the harness is willing to read.
const LINES_PER_SECOND: u64 = 200_000;
/// Pause between two bursts of lines, in nanoseconds.
const TICK_NS: u64 = 1_000_000;
const TICKS_PER_SECOND: u64 = 1000;
/// The dose of one stretch of attack, in lines: 256 MiB.
const MOST_LINES: u64 = (256 << 20) / LINE_BYTES as u64;

/// See the module.
pub struct LogSpam {
    lines_per_tick: u64,
}

impl LogSpam {
    /// The intensity is the share of the lines a second.
    pub fn new(order: &AttackOrder) -> Self {
        let share = LINES_PER_SECOND * u64::from(order.intensity.min(100)) / 100;
        Self { lines_per_tick: share / TICKS_PER_SECOND }
    }
}

impl Workload for LogSpam {
    fn target(&self) -> u64 {
        self.lines_per_tick.min(1)
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    fn work(&self, tally: Tally) -> ! {
        let line = line();
        let out = io::stderr();
        while !tally.is_overdue(clock::now()) {
            let left = MOST_LINES.saturating_sub(tally.operations_since_open());
            for _ in 0..self.lines_per_tick.min(left) {
                match nix::unistd::write(&out, &line) {
                    Ok(_) => tally.operated(1),
                    Err(Errno::EINTR) => {}
                    Err(errno) => {
                        tally.denied(errno);
                        break;
                    }
                }
            }
            clock::sleep(TICK_NS);
        }
        raw::exit_now(0)
    }
}

fn line() -> [u8; LINE_BYTES] {
    const WORDS: &[u8] = b"a line that nobody needs ";
    let mut line = [b'.'; LINE_BYTES];
    line[..WORDS.len()].copy_from_slice(WORDS);
    line[LINE_BYTES - 1] = b'\n';
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn spam(intensity: u8) -> LogSpam {
        let dose = Dose { tasks: 512, bytes: 0, seconds: 1, unguarded: false };
        LogSpam::new(&AttackOrder { intensity, ..AttackOrder::full("log-spam", dose) })
    }

    #[test]
    fn intensity_is_a_share_of_the_rate() {
        assert_eq!((spam(100).lines_per_tick, spam(50).lines_per_tick), (200, 100));
        assert_eq!((spam(1).target(), spam(0).target()), (1, 0));
    }

    #[test]
    fn a_line_is_one_line_and_is_written_whole_or_not_at_all() {
        let line = line();
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        assert!(line.ends_with(b"\n") && line.len() <= libc::PIPE_BUF);
    }

    #[test]
    fn the_dose_of_a_stretch_is_counted_from_its_beginning() {
        let tally = Tally::new().unwrap();
        tally.open(1, u64::MAX);
        tally.operated(1);
        tally.operated(1);
        assert_eq!(tally.operations_since_open(), 2);
        tally.open(1, u64::MAX);
        assert_eq!((tally.operations_since_open(), tally.counts().operations), (0, 2));
    }
}
