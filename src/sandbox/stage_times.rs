//! How long each step inside a sandbox took, for a plan that begins with [`Step::ReportTimes`].

use std::io::Write;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::{Failure, Step};

/// What the sandbox's first process writes to standard error, as one line of JSON, just before the role runs. Instants
/// are `CLOCK_MONOTONIC` in nanoseconds; a new time namespace has no offset, so they compare with the harness's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// The first statement of the stage.
    pub entered: u64,
    /// The plan was read.
    pub planned: u64,
    /// Each step but the last, and how many nanoseconds it took.
    pub steps: Vec<(Step, u64)>,
    /// This was about to be written: only the last step, the role, remained.
    pub done: u64,
}

impl StageTimes {
    pub(super) fn of(
        steps: &[Step],
        entered: u64,
        each: impl Fn(&Step) -> Result<(), Failure>,
        report: &mut impl Write,
    ) -> Result<(), Failure> {
        let planned = monotonic_ns();
        let Some((role, steps)) = steps.split_last() else { return Ok(()) };
        let mut taken = Vec::with_capacity(steps.len());
        let mut begun = planned;
        for step in steps {
            each(step)?;
            let now = monotonic_ns();
            taken.push((step.clone(), now - begun));
            begun = now;
        }
        let times = Self { entered, planned, steps: taken, done: monotonic_ns() };
        if let Ok(mut line) = serde_json::to_vec(&times) {
            line.push(b'\n');
            let _ = report.write_all(&line);
        }
        each(role)
    }
}

/// `CLOCK_MONOTONIC` now, in nanoseconds; 0 on a kernel without it, of which there is none.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return 0 };
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(now.tv_sec()) * 1_000_000_000 + part(now.tv_nsec())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_step_is_done_once_and_in_order() {
        let steps = [Step::MakeMountsPrivate, Step::ProtectRoot, Step::NoNewPrivileges];
        let done = RefCell::new(Vec::new());
        let each = |step: &Step| {
            done.borrow_mut().push(step.clone());
            Ok(())
        };
        let mut report = Vec::new();
        assert_eq!(StageTimes::of(&steps, 7, each, &mut report), Ok(()));
        assert_eq!(done.into_inner(), steps);
        let times: StageTimes = serde_json::from_slice(&report).unwrap();
        assert_eq!(times.entered, 7);
        let timed: Vec<Step> = times.steps.into_iter().map(|(step, _)| step).collect();
        assert_eq!(timed, steps[..2], "the role itself cannot be timed from inside");
    }

    #[test]
    fn nothing_is_done_after_a_failure() {
        let steps = [Step::MakeMountsPrivate, Step::ProtectRoot, Step::NoNewPrivileges];
        let each = |step: &Step| match step {
            Step::MakeMountsPrivate => Ok(()),
            Step::ProtectRoot => Err((step.to_string(), "EPERM".to_owned())),
            _ => panic!("the step before it failed"),
        };
        let mut report = Vec::new();
        assert!(StageTimes::of(&steps, 0, each, &mut report).is_err());
        assert!(report.is_empty());
    }
}
