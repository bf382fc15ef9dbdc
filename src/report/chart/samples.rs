//! What one probe saw, block by block and altogether, as charts need it.

use std::collections::BTreeMap;

use crate::record::{Block, BlockMode, BlockState, ProbeSample, failure_sum};

/// One probe in one block.
pub(super) struct Seen<'a> {
    pub block: &'a Block,
    pub sample: &'a ProbeSample,
}

/// The probe's samples in blocks of one mode, in time.
pub(super) fn seen<'a>(blocks: &'a [Block], mode: BlockMode, probe: &str) -> Vec<Seen<'a>> {
    let mut all: Vec<Seen<'a>> = blocks
        .iter()
        .filter(|block| block.mode == mode)
        .filter_map(|block| {
            let sample = block.probes.iter().find(|sample| sample.probe == probe)?;
            Some(Seen { block, sample })
        })
        .collect();
    all.sort_by(|one, other| one.block.start_ms.total_cmp(&other.block.start_ms));
    all
}

/// All latencies of the blocks in one state: how often each was seen, by nanoseconds; and how many operations were attempted.
pub(super) fn merged(seen: &[Seen<'_>], state: BlockState) -> (BTreeMap<u64, u64>, u64) {
    let mut histogram: BTreeMap<u64, u64> = BTreeMap::new();
    let mut attempts = 0_u64;
    for it in seen.iter().filter(|it| it.block.state == state) {
        let done = it.sample.done;
        let failed = failure_sum(&it.sample.failures);
        attempts = attempts.saturating_add(it.sample.attempts.max(done.saturating_add(failed)));
        for &(ns, count) in &it.sample.latency_ns {
            let sum = histogram.entry(ns).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    (histogram, attempts)
}

/// The share of operations that failed in a block, 0 to 1; 1 where the probe never answered.
pub(super) fn failed_share(sample: &ProbeSample) -> f64 {
    let failed = failure_sum(&sample.failures);
    if sample.missing {
        return 1.0;
    }
    if failed == 0 { 0.0 } else { float(failed) / float(sample.attempts.max(failed)) }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing needs no more than 52 bits")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}
