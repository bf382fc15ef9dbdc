//! The judge: from blocks to verdicts. No I/O, no clock, and the same answer for the same seed, so that an old record
//! can be judged again.
//!
//! The order of work for one case: [`judge_cells`], [`judge_case`], [`apply_open`], [`judge_expectations`]; for a whole
//! run at the end [`exit_verdict`]. [`judge_again`] does all of it for an old record. The rules and their numbers are explained in `docs/statistics.md`.

mod ablation;
mod again;
mod attribution;
mod case;
mod ceiling;
mod cell;
mod channels;
mod compare;
mod exit;
mod expect;
mod failures;
mod open;
mod pairs;
mod plan;
mod sham;
mod sight;
mod starved;
mod stats;
mod tolerance;

pub use crate::record::{histogram_count, histogram_quantile};
pub use ablation::ablation;
pub use again::{AgainError, judge_again};
pub use case::{CaseContext, judge_case};
pub use ceiling::{kept, level};
pub use cell::{CellRules, MIN_PAIRS, SYSTEMATIC, judge_cells, rules_of};
pub use channels::{Rounds, Survey, Texts, class_by_text, classes, counted};
pub use compare::{Source, compare, unlike};
pub use exit::{
    EXIT_CLEANUP, EXIT_ERROR, EXIT_INCONCLUSIVE, EXIT_OK, EXIT_SIGNAL_BASE, EXIT_SKIPPED,
    EXIT_UNMET, EXIT_USAGE, ExitOptions, exit_verdict,
};
pub use expect::{NOT_JUDGED, judge_expectations, named_targets};
pub use open::apply_open;
pub use pairs::{CAPACITY_PAIRS, FirstPairs, LATENCY_PAIRS};
pub use plan::{Wanted, wanted, wanted_by_suspicions};
pub use sham::judge_among;
pub use sight::{Tried, judge_sight, sights};
pub use stats::{Bootstrap, RESAMPLES, TAIL, median, quantile};
pub use tolerance::{
    FORK_LATENCY_FLOOR_NS, LATENCY_FLOOR_NS, capacity_tolerance, latency_floor_ns,
    resource_of_probe, tolerance_of,
};
