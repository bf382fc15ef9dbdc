//! One metric in two records: a change needs both, intervals that do not overlap, and a difference beyond what the probe's tolerance
//! calls noise.

use crate::record::{Change, Interval, MetricChange};

/// Two measurements of how many times as long an operation took under attack, each with its interval over pairs.
pub(super) fn ratio(
    metric: &'static str,
    old: Interval,
    new: Interval,
    tolerance: f64,
) -> MetricChange {
    let part = |high: f64, low: f64| if low > 0.0 { high / low } else { f64::INFINITY };
    let difference = Interval {
        median: part(new.median, old.median),
        low: part(new.low, old.high),
        high: part(new.high, old.low),
    };
    let (most, least) = (1.0 + tolerance, 1.0 / (1.0 + tolerance));
    let change = if new.low > old.high && difference.median > most {
        Change::Worse
    } else if new.high < old.low && difference.median < least {
        Change::Better
    } else if difference.low >= least && difference.high <= most {
        Change::Unchanged
    } else {
        Change::Undecided
    };
    MetricChange { metric, old, new, difference, change }
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
            // Beyond the tolerance, and overlapping.
            (around(1.0, 0.4), around(1.5, 0.4), Change::Undecided),
            // Apart and near the tolerance: the intervals reach beyond it.
            (around(1.0, 0.05), around(1.2, 0.05), Change::Undecided),
        ] {
            assert_eq!(ratio("p50", old, new, 0.25).change, change, "{old:?} {new:?}");
        }
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
        assert!((got.low - 0.1832).abs() < 1e-3 && (got.high - 0.8168).abs() < 1e-3, "{got:?}");
        assert!(wilson(0, 0).high > 0.99);
    }
}
