//! Exit codes: what a record says to scripts. The list is only ever added to.

use crate::record::{Expected, Report, Verdict};
use crate::scenario::Control;

/// Every expectation was met, and something ran.
pub const EXIT_OK: u8 = 0;
/// An expectation was not met; `vacuous` does not meet `contained`.
pub const EXIT_UNMET: u8 = 1;
/// Wrong usage, a wrong scenario, an unreadable record, an export that cannot be written. Never read off a record.
pub const EXIT_USAGE: u8 = 2;
/// The machine cannot run it: all was skipped, or something was skipped although everything had to run.
pub const EXIT_SKIPPED: u8 = 3;
/// Inconclusive where something was expected, or untrustworthy: the machine is too noisy.
pub const EXIT_INCONCLUSIVE: u8 = 4;
/// The harness failed.
pub const EXIT_ERROR: u8 = 5;
/// Something that the run made on the machine is still there.
pub const EXIT_CLEANUP: u8 = 6;
/// Added to the number of the signal that stopped the run. Never read off a record: the caller knows the signal, and
/// it ranks below [`EXIT_CLEANUP`] and above [`EXIT_ERROR`].
pub const EXIT_SIGNAL_BASE: u8 = 128;

/// What the caller asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExitOptions {
    /// Everything must run: a skipped case gives [`EXIT_SKIPPED`].
    pub must_run: bool,
    /// Inconclusive and untrustworthy results do not count.
    pub allow_inconclusive: bool,
}

/// The exit code that a record stands for, by precedence 6 > 5 > 1 > 4 > 3 > 0.
///
/// An expectation that is unmet because what it judges is `inconclusive` counts as [`EXIT_INCONCLUSIVE`], not as
/// [`EXIT_UNMET`]. Inconclusive cases that nobody expects anything of change nothing.
#[must_use]
pub fn exit_verdict(report: &Report, options: ExitOptions) -> u8 {
    let cases = || report.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let unmet = || cases().flat_map(|case| &case.expectations).filter(|it| it.met == Some(false));
    let skipped = cases().filter(|case| case.verdict == Verdict::Skipped).count();
    let noisy = || cases().any(|case| case.control == Some(Control::Sham) && case.verdict.leaks());
    if !report.cleanup.complete {
        EXIT_CLEANUP
    } else if cases().any(|case| case.verdict == Verdict::Error) {
        EXIT_ERROR
    } else if unmet().any(|it| !is_inconclusive(it)) {
        EXIT_UNMET
    } else if !options.allow_inconclusive && (unmet().any(is_inconclusive) || noisy()) {
        EXIT_INCONCLUSIVE
    } else if skipped == cases().count() || (options.must_run && skipped > 0) {
        EXIT_SKIPPED
    } else {
        EXIT_OK
    }
}

fn is_inconclusive(expected: &Expected) -> bool {
    expected.seen.as_deref() == Some(Verdict::Inconclusive.name())
}
