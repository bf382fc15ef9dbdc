//! Quantiles of sparse histograms: pairs of a value in nanoseconds and how often it was seen.

/// How many values the histogram holds.
#[must_use]
pub fn histogram_count(histogram: &[(u64, u64)]) -> u64 {
    histogram.iter().fold(0, |sum, &(_, count)| sum.saturating_add(count))
}

/// The smallest value that at least the share `q` (0 to 1) of all values does not exceed, in nanoseconds (nearest
/// rank, as HDR histograms define it). The pairs may come in any order; `None` when nothing was counted.
#[must_use]
pub fn histogram_quantile(histogram: &[(u64, u64)], q: f64) -> Option<u64> {
    let total = histogram_count(histogram);
    if total == 0 {
        return None;
    }
    let mut sorted: Vec<(u64, u64)> = histogram.to_vec();
    sorted.sort_unstable();
    let rank = rank_of(q, total);
    let mut seen = 0_u64;
    for &(value, count) in &sorted {
        seen = seen.saturating_add(count);
        if seen >= rank {
            return Some(value);
        }
    }
    sorted.last().map(|&(value, _)| value)
}

/// The mean of all values, in nanoseconds; `None` when nothing was counted.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a mean of latencies needs no more than 52 bits")]
pub fn histogram_mean(histogram: &[(u64, u64)]) -> Option<f64> {
    let count = histogram_count(histogram);
    let sum: f64 = histogram.iter().map(|&(value, count)| value as f64 * count as f64).sum();
    (count > 0).then(|| sum / count as f64)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1..=total; a rank off by one among 2^52 operations changes nothing"
)]
fn rank_of(q: f64, total: u64) -> u64 {
    let q = if q.is_nan() { 0.5 } else { q.clamp(0.0, 1.0) };
    ((q * total as f64).ceil() as u64).clamp(1, total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nearest_ranks() {
        let histogram = [(30, 1), (10, 2), (20, 1)];
        assert_eq!(histogram_quantile(&histogram, 0.0), Some(10));
        assert_eq!(histogram_quantile(&histogram, 0.5), Some(10));
        assert_eq!(histogram_quantile(&histogram, 0.51), Some(20));
        assert_eq!(histogram_quantile(&histogram, 1.0), Some(30));
        assert_eq!(histogram_quantile(&[], 0.5), None);
        assert_eq!(histogram_quantile(&[(5, 0)], 0.5), None);
        assert_eq!(histogram_mean(&histogram), Some(17.5));
        assert_eq!(histogram_mean(&[(5, 0)]), None);
    }

    proptest! {
        #[test]
        fn quantiles_rise_and_never_panic(
            histogram in prop::collection::vec((any::<u64>(), any::<u64>()), 0..20),
            one in any::<f64>(), other in any::<f64>()
        ) {
            let (low, high) = if one <= other { (one, other) } else { (other, one) };
            if !low.is_nan() && !high.is_nan() {
                prop_assert!(histogram_quantile(&histogram, low) <= histogram_quantile(&histogram, high));
            }
        }
    }
}
