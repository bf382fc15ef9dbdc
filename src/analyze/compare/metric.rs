//! One metric in two records: a change needs both, intervals that do not overlap, and a difference beyond noise; no change needs a
//! difference within noise, measured well enough that a change of twice as much would have shown.

use std::f64::consts::SQRT_2;

use crate::record::{Change, Interval, MetricChange};

/// How many times another value may be of the same thing measured twice: the probe's tolerance is what one measurement may be off by noise, and of
/// two that know nothing of each other the difference is off by √2 of that, on the scale of ratios.
pub(super) fn noise(tolerance: f64) -> f64 {
    (1.0 + tolerance).powf(SQRT_2)
}

/// True when a ratio is noise.
pub(super) fn is_noise(ratio: f64, tolerance: f64) -> bool {
    (1.0 / noise(tolerance)..=noise(tolerance)).contains(&ratio)
}

/// Two measurements of how many times as long an operation took under attack, each with its interval over pairs.
pub(super) fn ratio(
    metric: &'static str,
    old: Interval,
    new: Interval,
    tolerance: f64,
) -> MetricChange {
    let difference = quotient(new, old);
    let most = noise(tolerance);
    let change = if new.low > old.high && difference.median > most {
        Change::Worse
    } else if new.high < old.low && difference.median < 1.0 / most {
        Change::Better
    } else if is_noise(difference.median, tolerance)
        && difference.low >= 1.0 / (most * most)
        && difference.high <= most * most
    {
        Change::Unchanged
    } else {
        Change::Undecided
    };
    MetricChange { metric, old, new, difference, change }
}

/// `new / old` of two independent measurements: their reaches, as logarithms, add like the sides of a right angle.
fn quotient(new: Interval, old: Interval) -> Interval {
    let times = |high: f64, low: f64| if low > 0.0 { high / low } else { f64::INFINITY };
    let reach = |one: f64, other: f64| one.ln().hypot(other.ln()).exp();
    let median = times(new.median, old.median);
    let down = reach(times(new.median, new.low), times(old.high, old.median));
    let up = reach(times(new.high, new.median), times(old.median, old.low));
    Interval {
        median,
        low: if down.is_finite() { median / down } else { 0.0 },
        high: if up.is_finite() { median * up } else { f64::INFINITY },
    }
}

/// Two shares of failed operations. The noise is the tolerance of the probe, too: a share of all operations.
pub(super) fn share(old: Interval, new: Interval, tolerance: f64) -> MetricChange {
    let difference = Interval {
        median: new.median - old.median,
        low: new.low - old.high,
        high: new.high - old.low,
    };
    let change = if new.low > old.high && difference.median > tolerance {
        Change::Worse
    } else if new.high < old.low && difference.median < -tolerance {
        Change::Better
    } else if difference.low >= -tolerance && difference.high <= tolerance {
        Change::Unchanged
    } else {
        Change::Undecided
    };
    MetricChange { metric: "failures", old, new, difference, change }
}

/// The interval of a share by Wilson's score, with the quantile of 99 % of a normal distribution: honest for few operations, and at 0
/// and 1.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
pub(super) fn wilson(failed: u64, attempts: u64) -> Interval {
    const Z: f64 = 2.576;
    let count = attempts.max(failed) as f64;
    if count == 0.0 {
        return Interval { median: 0.0, low: 0.0, high: 1.0 };
    }
    let share = failed as f64 / count;
    let middle = share + Z * Z / (2.0 * count);
    let reach = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let scale = 1.0 + Z * Z / count;
    Interval {
        median: share,
        low: ((middle - reach) / scale).clamp(0.0, share),
        high: ((middle + reach) / scale).clamp(share, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(median: f64, by: f64) -> Interval {
        Interval { median, low: median - by, high: median + by }
    }

    #[test]
    fn a_change_needs_intervals_apart_and_a_difference_beyond_noise() {
        for (old, new, change) in [
            (around(1.0, 0.02), around(1.5, 0.02), Change::Worse),
            (around(1.5, 0.02), around(1.0, 0.02), Change::Better),
            (around(1.0, 0.02), around(1.02, 0.02), Change::Unchanged),
            // Apart, and still noise by the tolerance.
            (around(1.0, 0.01), around(1.1, 0.01), Change::Unchanged),
            (around(1.0, 0.05), around(1.2, 0.05), Change::Unchanged),
            // Beyond noise, and overlapping.
            (around(1.0, 0.4), around(1.5, 0.4), Change::Undecided),
            // Alike, and so badly measured that twice the noise would not have shown.
            (around(1.0, 0.6), around(1.0, 0.6), Change::Undecided),
            (around(1.0, 1.0), around(1.0, 0.1), Change::Undecided),
        ] {
            assert_eq!(ratio("p50", old, new, 0.25).change, change, "{old:?} {new:?}");
        }
    }

    #[test]
    fn noise_of_two_is_more_than_that_of_one_and_less_than_the_sum() {
        assert!(noise(0.25) > 1.25 && noise(0.25) < 1.25 * 1.25);
        assert!(is_noise(1.36, 0.25) && is_noise(1.0 / 1.36, 0.25) && !is_noise(1.38, 0.25));
    }

    #[test]
    fn a_quotient_reaches_as_far_as_both_together_and_not_as_far_as_their_sum() {
        let same = quotient(around(1.0, 0.1), around(1.0, 0.0));
        assert!((same.low - 0.9).abs() < 1e-9 && (same.high - 1.1).abs() < 1e-9, "{same:?}");
        let both = quotient(around(1.0, 0.1), around(1.0, 0.1));
        assert!(both.high > 1.14 && both.high < 1.1 / 0.9, "{both:?}");
        let none = quotient(around(1.0, 1.0), around(1.0, 0.1));
        assert!(none.low == 0.0 && none.high.is_finite(), "{none:?}");
    }

    #[test]
    fn shares_are_compared_with_their_own_uncertainty() {
        let of = |old: (u64, u64), new: (u64, u64)| {
            share(wilson(old.0, old.1), wilson(new.0, new.1), 0.25).change
        };
        assert_eq!(of((0, 500), (500, 500)), Change::Worse);
        assert_eq!(of((500, 500), (0, 500)), Change::Better);
        assert_eq!(of((400, 500), (410, 500)), Change::Unchanged);
        assert_eq!(of((1, 3), (3, 3)), Change::Undecided);
    }

    #[test]
    fn wilson_is_that_of_the_tables() {
        let got = wilson(5, 10);
        assert!((got.low - 0.1842).abs() < 1e-4 && (got.high - 0.8158).abs() < 1e-3, "{got:?}");
        assert!(wilson(0, 0).high > 0.99);
    }
}
