//! Medians, quantiles, and bootstrap intervals over pairs.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::record::Interval;

/// How many resamples an interval is made of: at 4000, the percentile of [`TAIL`] has a standard error of about 0.11
/// percentage points, far below what one pair more or less changes.
pub const RESAMPLES: usize = 4000;

/// The share of the resampled medians that lies beyond either end of an interval. Half a percent, because a percentile
/// bootstrap of few values is too narrow: with 8 to 20 values the interval holds the true median with a chance of 97 to 99 %.
pub const TAIL: f64 = 0.005;

/// Below this many values an interval is the range from the smallest to the largest.
const FEW: usize = 8;

/// Above this many values resampling gives nothing that the normal approximation of the ranks does not give at once;
/// it also bounds the time a hostile record can cost.
const MANY: usize = 512;

/// The quantile `1 - TAIL` of the standard normal distribution.
const Z: f64 = 2.576;

/// The quantile `q` (0 to 1) of sorted values, by linear interpolation between neighbours (type 7 of Hyndman and Fan,
/// the default of R and NumPy). `None` without values; `q` outside its range is clamped.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let q = if q.is_nan() { 0.5 } else { q.clamp(0.0, 1.0) };
    let place = q * as_f64(last);
    let lower = floor_index(place, last);
    let (low, high) = (sorted[lower], sorted[(lower + 1).min(last)]);
    let share = place - as_f64(lower);
    // Not `low + share * (high - low)`: that overflows for huge values of opposite sign.
    Some((low * (1.0 - share) + high * share).clamp(low, high))
}

/// The median of the finite values; `None` without any.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&finite_sorted(values), 0.5)
}

/// Percentile bootstrap of the median, seeded.
///
/// `low` and `high` cut [`TAIL`] off either end of the medians of [`RESAMPLES`] resamples. Fewer than 8 values give the range
/// from the smallest to the largest (with 4 values the true median lies above the smallest with a chance of 15/16).
///
/// The median of a resample depends on ranks only, so the ranks are drawn once for each number of values and used for
/// every metric with that many pairs: judging costs next to nothing, and does not depend on the order of the metrics.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    seed: u64,
    ranks: BTreeMap<usize, Vec<(usize, usize)>>,
}

impl Bootstrap {
    /// A bootstrap whose draws are fixed by `seed` (and by the version of the generator that is built in).
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, ranks: BTreeMap::new() }
    }

    /// The median of the finite values and its interval; `None` when there are none.
    pub fn interval(&mut self, values: &[f64]) -> Option<Interval> {
        let sorted = finite_sorted(values);
        let median = quantile(&sorted, 0.5)?;
        let (low, high) = match sorted.len() {
            count if count < FEW => (sorted[0], sorted[count - 1]),
            count if count > MANY => rank_bounds(&sorted),
            _ => self.resampled(&sorted)?,
        };
        Some(Interval { median, low: low.min(median), high: high.max(median) })
    }

    fn resampled(&mut self, sorted: &[f64]) -> Option<(f64, f64)> {
        let seed = self.seed;
        let ranks = self.ranks.entry(sorted.len()).or_insert_with_key(|&n| middle_ranks(seed, n));
        let mut medians: Vec<f64> =
            ranks.iter().map(|&(a, b)| sorted[a] / 2.0 + sorted[b] / 2.0).collect();
        medians.sort_unstable_by(f64::total_cmp);
        Some((quantile(&medians, TAIL)?, quantile(&medians, 1.0 - TAIL)?))
    }
}

/// For every resample of `n` ranks, the two in its middle (the same one twice when `n` is odd).
fn middle_ranks(seed: u64, n: usize) -> Vec<(usize, usize)> {
    let mut rng = StdRng::seed_from_u64(seed ^ n as u64);
    let mut draw = vec![0_usize; n];
    (0..RESAMPLES)
        .map(|_| {
            draw.fill_with(|| rng.random_range(0..n));
            draw.sort_unstable();
            (draw[(n - 1) / 2], draw[n / 2])
        })
        .collect()
}

/// The interval of a median by the binomial distribution of ranks, in its normal approximation.
fn rank_bounds(sorted: &[f64]) -> (f64, f64) {
    let count = as_f64(sorted.len());
    let reach = Z * count.sqrt() / 2.0;
    let last = sorted.len() - 1;
    let low = floor_index(count / 2.0 - reach, last);
    let high = floor_index((count / 2.0 + reach).ceil(), last);
    (sorted[low], sorted[high])
}

fn finite_sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs are far below 2^52")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place is clamped to 0..=last first"
)]
fn floor_index(place: f64, last: usize) -> usize {
    (place.floor().clamp(0.0, as_f64(last)) as usize).min(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_type_seven() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn few_values_give_their_range() {
        let got = Bootstrap::new(1).interval(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!(got, Interval { median: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(Bootstrap::new(1).interval(&[]), None);
        assert_eq!(Bootstrap::new(1).interval(&[f64::NAN, f64::INFINITY]), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values: Vec<f64> = (0..10).map(|i| f64::from(i * i)).collect();
        let one = Bootstrap::new(7).interval(&values);
        let mut other = Bootstrap::new(7);
        let _ = other.interval(&values[..6]);
        assert_eq!(one, other.interval(&values), "whatever was computed before");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn an_interval_holds_its_median_and_stays_within_the_values(
            values in prop::collection::vec(any::<f64>(), 0..40), seed: u64
        ) {
            let finite = finite_sorted(&values);
            match Bootstrap::new(seed).interval(&values) {
                None => prop_assert!(finite.is_empty()),
                Some(got) => {
                    prop_assert!(got.low <= got.median && got.median <= got.high);
                    prop_assert!(finite[0] <= got.low && got.high <= finite[finite.len() - 1]);
                }
            }
        }

        #[test]
        fn larger_values_never_lower_an_interval(
            values in prop::collection::vec(0.0..1e6, 1..40), by in prop::collection::vec(0.0..1e6, 40), seed: u64
        ) {
            let raised: Vec<f64> = values.iter().zip(&by).map(|(value, add)| value + add).collect();
            let mut bootstrap = Bootstrap::new(seed);
            let (before, after) = (bootstrap.interval(&values).unwrap(), bootstrap.interval(&raised).unwrap());
            prop_assert!(before.low <= after.low && before.median <= after.median && before.high <= after.high);
        }

        #[test]
        fn intervals_scale_with_their_unit(
            values in prop::collection::vec(1e-3..1e3, 1..40), power in -8_i32..8, seed: u64
        ) {
            let unit = 2.0_f64.powi(power);
            let scaled: Vec<f64> = values.iter().map(|value| value * unit).collect();
            let mut bootstrap = Bootstrap::new(seed);
            let (plain, scaled) = (bootstrap.interval(&values).unwrap(), bootstrap.interval(&scaled).unwrap());
            prop_assert_eq!(plain.low * unit, scaled.low);
            prop_assert_eq!(plain.median * unit, scaled.median);
            prop_assert_eq!(plain.high * unit, scaled.high);
        }

        #[test]
        fn many_values_are_bounded_too(count in 500_usize..600, seed: u64) {
            let values: Vec<f64> = (0..count).map(as_f64).collect();
            let got = Bootstrap::new(seed).interval(&values).unwrap();
            prop_assert!(got.low > as_f64(count) * 0.4 && got.high < as_f64(count) * 0.6);
        }
    }
}
