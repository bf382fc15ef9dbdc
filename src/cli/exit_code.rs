//! The registry of exit codes: one table for the help text, the documentation and the tests.
//!
//! It is append-only: a number never changes its meaning and is never used again. The same code is returned whatever
//! the output format.

pub use crate::analyze::{
    EXIT_CLEANUP as CLEANUP_FAILED, EXIT_ERROR as HARNESS_ERROR, EXIT_INCONCLUSIVE as INCONCLUSIVE,
    EXIT_OK as OK, EXIT_SIGNAL_BASE as SIGNAL_BASE, EXIT_SKIPPED as CANNOT_RUN,
    EXIT_UNMET as EXPECTATION_NOT_MET, EXIT_USAGE as USAGE,
};

/// One line of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCodeEntry {
    /// The number as shown: a decimal number, or `128+n`.
    pub code: &'static str,
    /// What it says about the run.
    pub meaning: &'static str,
}

/// All exit codes, ascending.
pub const REGISTRY: [ExitCodeEntry; 8] = [
    ExitCodeEntry { code: "0", meaning: "every expectation was met and something ran" },
    ExitCodeEntry { code: "1", meaning: "an expectation was not met" },
    ExitCodeEntry {
        code: "2",
        meaning: "usage, scenario or record error, no scenario found, or unwritable export; nothing ran",
    },
    ExitCodeEntry { code: "3", meaning: "the machine cannot run it; see `contain-test doctor`" },
    ExitCodeEntry {
        code: "4",
        meaning: "inconclusive, or the machine is too noisy (allow with --allow-inconclusive)",
    },
    ExitCodeEntry { code: "5", meaning: "the harness itself failed" },
    ExitCodeEntry { code: "6", meaning: "clean-up failed; see `contain-test clean`" },
    ExitCodeEntry { code: "128+n", meaning: "stopped by signal n, after clean-up" },
];

/// The registry as the last part of the help text.
#[must_use]
pub fn help_text() -> String {
    let lines = REGISTRY.map(|entry| format!("  {:<6} {}\n", entry.code, entry.meaning));
    format!("Exit codes:\n{}", lines.concat())
}

/// The code of two that wins when both apply: 6, then signals, then 5, 2, 1, 4, 3, 0.
#[must_use]
pub fn worst(a: u8, b: u8) -> u8 {
    if rank(b) > rank(a) { b } else { a }
}

fn rank(code: u8) -> u8 {
    match code {
        CLEANUP_FAILED => 7,
        SIGNAL_BASE.. => 6,
        HARNESS_ERROR => 5,
        USAGE => 4,
        EXPECTATION_NOT_MET => 3,
        INCONCLUSIVE => 2,
        CANNOT_RUN => 1,
        OK => 0,
        // A code nobody registered is a fault of the harness.
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_append_only() {
        assert_eq!(REGISTRY.map(|entry| entry.code), ["0", "1", "2", "3", "4", "5", "6", "128+n"]);
        assert_eq!(
            [
                OK,
                EXPECTATION_NOT_MET,
                USAGE,
                CANNOT_RUN,
                INCONCLUSIVE,
                HARNESS_ERROR,
                CLEANUP_FAILED,
                SIGNAL_BASE
            ],
            [0, 1, 2, 3, 4, 5, 6, 128]
        );
    }

    #[test]
    fn a_failed_cleanup_outranks_everything() {
        let ascending = [0, 3, 4, 1, 5, 143, 6];
        for pair in ascending.windows(2) {
            assert_eq!(worst(pair[0], pair[1]), pair[1]);
            assert_eq!(worst(pair[1], pair[0]), pair[1]);
        }
    }
}
