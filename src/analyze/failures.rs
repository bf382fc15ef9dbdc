//! Failed operations: when they are the attacker's doing, and when a noisy machine's.

use std::collections::BTreeMap;

use crate::record::{Block, BlockMode, BlockState, ProbeSample};

/// The name under which an operation is booked that was not done by its deadline.
pub(super) const DEADLINE: &str = "ETIME";

/// Quiet blocks must fail at most this share of what attacked blocks fail: one tenth.
const QUIET_SHARE: f64 = 0.1;

/// Or else attacked blocks fail this much more of all operations than quiet ones.
const PLAIN_SHARE: f64 = 0.5;

/// Failures of at least this share of the attempts are real even when they fall into one block.
const REAL_SHARE: f64 = 0.01;

/// Missed deadlines come in bursts on a busy machine, so they need twice that share, in the whole and in each block.
const DEADLINE_SHARE: f64 = 0.02;

/// Failures and missed deadlines each need this many attacked blocks (errors may do with the share instead).
const BLOCKS: usize = 2;

/// Missed deadlines also need one attacked block in this many.
const DEADLINE_BLOCKS_IN: usize = 4;

/// What the failures of one probe amount to, from nothing to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// No more than noise.
    None,
    /// More failures than quiet blocks show, but too few or too irregular to accuse the attacker: not contained either.
    Unclear,
    /// Operations were late, and no fresh blocks have confirmed it yet.
    Late,
    /// The attack cost operations that were only late.
    DeniedLate,
    /// The attack made operations fail, or the probe died under it.
    Denied,
}

/// All windows of one probe.
#[derive(Debug, Default)]
pub(super) struct Windows<'a> {
    on: Vec<(BlockMode, &'a ProbeSample)>,
    off: Vec<(BlockMode, &'a ProbeSample)>,
    /// State of the first window, in time, that never answered, and how many did not in all.
    first_missing: Option<BlockState>,
    missing: usize,
}

impl<'a> Windows<'a> {
    pub fn of(blocks: impl IntoIterator<Item = &'a Block>, probe: &str) -> Self {
        let mut windows = Self::default();
        let mut first_ms = f64::INFINITY;
        for block in blocks {
            for sample in block.probes.iter().filter(|sample| sample.probe == probe) {
                match block.state {
                    BlockState::On => windows.on.push((block.mode, sample)),
                    BlockState::Off => windows.off.push((block.mode, sample)),
                }
                if sample.missing {
                    windows.missing += 1;
                    if windows.first_missing.is_none() || block.start_ms < first_ms {
                        first_ms = block.start_ms;
                        windows.first_missing = Some(block.state);
                    }
                }
            }
        }
        windows
    }

    pub fn on(&self) -> Tally {
        Tally::of(self.on.iter().map(|&(_, sample)| sample))
    }

    pub fn off(&self) -> Tally {
        Tally::of(self.off.iter().map(|&(_, sample)| sample))
    }

    pub fn missing_on(&self) -> usize {
        self.on.iter().filter(|(_, sample)| sample.missing).count()
    }

    /// What the failures amount to when those that were only late count for what `fresh` blocks show of them too.
    pub fn finding_with(&self, fresh: &Self) -> Finding {
        match self.finding() {
            Finding::DeniedLate if fresh.finding() < Finding::DeniedLate => Finding::Late,
            finding => finding,
        }
    }

    /// The rule, in the order of its weight.
    pub fn finding(&self) -> Finding {
        // By mode: a saturating probe tries so often that its attempts would drown the failures of the other.
        let worst = [BlockMode::Latency, BlockMode::Capacity]
            .into_iter()
            .flat_map(|mode| [self.errors(mode), self.late(mode)])
            .max()
            .unwrap_or(Finding::None);
        if self.died() {
            Finding::Denied
        } else if self.missing_on() > 0 {
            worst.max(Finding::Unclear)
        } else {
            worst
        }
    }

    /// It fell silent under attack and did not come back at once: one window alone may be the machine's fault.
    fn died(&self) -> bool {
        self.first_missing == Some(BlockState::On) && self.missing >= 2
    }

    fn errors(&self, mode: BlockMode) -> Finding {
        let (on, off) = self.shares(mode, is_error);
        let blocks = self.count_on(mode, |sample| share(sample, is_error) > 0.0);
        weigh(on > 0.0 && (blocks >= BLOCKS || on >= REAL_SHARE), on, off, Finding::Denied)
    }

    fn late(&self, mode: BlockMode) -> Finding {
        let (on, off) = self.shares(mode, is_late);
        let blocks = self.count_on(mode, |sample| share(sample, is_late) >= DEADLINE_SHARE);
        let tried = self.count_on(mode, |sample| sample.attempts > 0);
        let real = on >= DEADLINE_SHARE
            && blocks >= BLOCKS
            && blocks.saturating_mul(DEADLINE_BLOCKS_IN) >= tried;
        weigh(real, on, off, Finding::DeniedLate)
    }

    fn shares(&self, mode: BlockMode, test: fn(&str) -> bool) -> (f64, f64) {
        (
            Tally::of(of_mode(&self.on, mode)).share(test),
            Tally::of(of_mode(&self.off, mode)).share(test),
        )
    }

    fn count_on(&self, mode: BlockMode, test: impl Fn(&ProbeSample) -> bool) -> usize {
        of_mode(&self.on, mode).filter(|sample| test(sample)).count()
    }
}

fn of_mode<'a>(
    windows: &[(BlockMode, &'a ProbeSample)],
    mode: BlockMode,
) -> impl Iterator<Item = &'a ProbeSample> {
    windows.iter().filter(move |window| window.0 == mode).map(|window| window.1)
}

fn is_late(errno: &str) -> bool {
    errno == DEADLINE
}

fn is_error(errno: &str) -> bool {
    errno != DEADLINE
}

fn share(sample: &ProbeSample, test: fn(&str) -> bool) -> f64 {
    Tally::of(std::iter::once(sample)).share(test)
}

fn weigh(real: bool, on: f64, off: f64, denied: Finding) -> Finding {
    if real && (off <= on * QUIET_SHARE || on - off >= PLAIN_SHARE) {
        denied
    } else if on - off >= REAL_SHARE {
        Finding::Unclear
    } else {
        Finding::None
    }
}

/// Attempts and failures, summed.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub attempts: u64,
    pub failures: BTreeMap<String, u64>,
}

impl Tally {
    fn of<'a>(samples: impl Iterator<Item = &'a ProbeSample>) -> Self {
        let mut tally = Self::default();
        for sample in samples {
            tally.attempts = tally.attempts.saturating_add(sample.attempts);
            for (errno, &count) in sample.failures.iter().filter(|&(_, &count)| count > 0) {
                let sum = tally.failures.entry(errno.clone()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        tally
    }

    /// The share of attempts that failed with an errno that passes the test, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    fn share(&self, test: fn(&str) -> bool) -> f64 {
        let failed = self.failures.iter().filter(|(errno, _)| test(errno));
        let failed = failed.fold(0_u64, |sum, (_, &count)| sum.saturating_add(count));
        if failed == 0 { 0.0 } else { failed as f64 / self.attempts.max(failed) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(state: BlockState, attempts: u64, failures: &[(&str, u64)], missing: bool) -> Block {
        Block {
            pair: 0,
            state,
            mode: BlockMode::Latency,
            start_ms: 0.0,
            end_ms: 250.0,
            attacker_cpu_seconds: None,
            probes: vec![ProbeSample {
                probe: "pids/fork".into(),
                attempts,
                done: attempts.saturating_sub(failures.iter().map(|(_, count)| count).sum()),
                failures: failures.iter().map(|&(errno, count)| (errno.into(), count)).collect(),
                elapsed_seconds: 0.25,
                latency_sum_ns: 0,
                latency_ns: Vec::new(),
                run_delay_ns: None,
                own_run_delay_ns: None,
                net_latency_ns: Vec::new(),
                missing,
            }],
        }
    }

    fn finding(on: &[&[(&str, u64)]], off: &[&[(&str, u64)]]) -> Finding {
        let blocks: Vec<Block> = on
            .iter()
            .map(|failures| window(BlockState::On, 50, failures, false))
            .chain(off.iter().map(|failures| window(BlockState::Off, 50, failures, false)))
            .collect();
        Windows::of(&blocks, "pids/fork").finding()
    }

    #[test]
    fn an_error_in_two_blocks_or_in_one_percent_is_denial() {
        let clean: [&[(&str, u64)]; 4] = [&[]; 4];
        assert_eq!(
            finding(&[&[("EAGAIN", 1)], &[("EAGAIN", 1)], &[], &[]], &clean),
            Finding::Denied
        );
        assert_eq!(finding(&[&[("EAGAIN", 50)], &[], &[], &[]], &clean), Finding::Denied);
        assert_eq!(finding(&[&[("EAGAIN", 1)], &[], &[], &[]], &clean), Finding::None);
        assert_eq!(finding(&clean, &clean), Finding::None);
    }

    #[test]
    fn what_quiet_blocks_show_too_is_no_denial() {
        let some: [&[(&str, u64)]; 4] = [&[("EAGAIN", 5)]; 4];
        assert_eq!(finding(&some, &some), Finding::None);
        assert_eq!(finding(&[&[("EAGAIN", 9)][..]; 4], &some), Finding::Unclear);
        assert_eq!(finding(&[&[("EAGAIN", 50)][..]; 4], &some), Finding::Denied);
    }

    #[test]
    fn stray_deadlines_are_noise_and_many_are_denial() {
        let clean: [&[(&str, u64)]; 8] = [&[]; 8];
        let mut on = clean;
        on[0] = &[("ETIME", 4)];
        assert_ne!(finding(&on, &clean), Finding::DeniedLate, "one burst");
        on[1] = &[("ETIME", 4)];
        assert_eq!(finding(&on, &clean), Finding::DeniedLate, "a quarter of the blocks");
        on[1] = &[("ETIME", 0)];
        on[0] = &[("ETIME", 1)];
        assert_eq!(finding(&on, &clean), Finding::None, "one of 400");
    }

    #[test]
    fn a_probe_that_dies_under_attack_is_denied_and_one_silent_window_is_not() {
        let answered = |state| window(state, 50, &[], false);
        let silent = |state| window(state, 0, &[], true);
        let of = |blocks: &[Block]| Windows::of(blocks, "pids/fork").finding();
        use BlockState::{Off, On};
        assert_eq!(of(&[answered(Off), silent(On), silent(Off)]), Finding::Denied);
        assert_eq!(of(&[answered(Off), silent(On), answered(Off)]), Finding::Unclear);
        assert_eq!(of(&[silent(Off), silent(On)]), Finding::Unclear, "it was silent before");
    }
}
