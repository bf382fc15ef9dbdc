//! From values to places in a drawing, and the values worth a tick.

/// Beyond this ratio of the largest to the smallest value a scale is logarithmic.
const LOG_FROM: f64 = 8.0;

/// A range of values laid onto a range of places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    log: bool,
}

impl Scale {
    /// From 0 to a round number that is at least `most`.
    pub fn from_zero(most: f64, (start, end): (f64, f64)) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let step = nice_step(most / 4.0);
        let high = (most / step).ceil() * step;
        Self { low: 0.0, high, start, end, log: false }
    }

    /// From one value to another, as they are.
    pub fn between(low: f64, high: f64, (start, end): (f64, f64)) -> Self {
        let low = if low.is_finite() { low } else { 0.0 };
        let high = if high.is_finite() && high > low { high } else { low + 1.0 };
        Self { low, high, start, end, log: false }
    }

    /// For latencies: logarithmic with some room on both sides when they lie far apart, else from 0.
    pub fn latency(least: f64, most: f64, places: (f64, f64)) -> Self {
        if least > 0.0 && most / least > LOG_FROM {
            Self::log(least, most, places)
        } else {
            Self::from_zero(most, places)
        }
    }

    /// Logarithmic, a little beyond both values.
    pub fn log(least: f64, most: f64, (start, end): (f64, f64)) -> Self {
        let least = if least.is_finite() && least > 0.0 { least } else { 1.0 };
        let most = if most.is_finite() && most > least { most } else { least * 2.0 };
        let room = (most / least).powf(0.06);
        Self { low: least / room, high: most * room, start, end, log: true }
    }

    /// The place of a value; beyond the ends it is at the end.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.start + share * (self.end - self.start)
    }

    /// At most six or so round values within the range.
    pub fn ticks(&self) -> Vec<f64> {
        if self.log { self.log_ticks() } else { self.linear_ticks() }
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let step = nice_step((self.high - self.low) / 5.0);
        let first = (self.low / step).ceil();
        (0..12)
            .map(|index| (first + f64::from(index)) * step)
            .take_while(|&tick| tick <= self.high + step * 1e-6)
            .collect()
    }

    /// 1, 2 and 5 of each power of ten, or only 1 where that would be too many.
    fn log_ticks(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = match decades {
            it if it < 1.8 => &[1.0, 2.0, 5.0],
            it if it < 3.2 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let first = self.low.log10().floor();
        let skip = if decades > 6.5 { 2 } else { 1 };
        (0..40)
            .step_by(skip)
            .map(|power| 10_f64.powf(first + f64::from(power)))
            .take_while(|&power| power <= self.high)
            .flat_map(|power| factors.iter().map(move |factor| power * factor))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least the given step.
fn nice_step(rough: f64) -> f64 {
    let rough = if rough.is_finite() && rough > 0.0 { rough } else { 1.0 };
    let power = 10_f64.powf(rough.log10().floor());
    let factor =
        [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999_999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        let linear = Scale::from_zero(73.0, (100.0, 0.0));
        assert_eq!(linear.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert!((linear.at(40.0) - 50.0).abs() < 1e-9);
        let log = Scale::log(100.0, 10_000.0, (0.0, 100.0));
        let ticks = log.ticks();
        assert_eq!(ticks.len(), 5, "{ticks:?}");
        assert!((ticks[0] - 100.0).abs() < 1e-6 && (ticks[4] - 10_000.0).abs() < 1e-6, "{ticks:?}");
        assert!((log.at(1000.0) - 50.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn every_place_is_within_the_drawing(least in any::<f64>(), most in any::<f64>(), value in any::<f64>()) {
            for scale in [
                Scale::latency(least, most, (10.0, 90.0)),
                Scale::log(least, most, (10.0, 90.0)),
                Scale::from_zero(most, (10.0, 90.0)),
                Scale::between(least, most, (10.0, 90.0)),
            ] {
                prop_assert!((10.0..=90.0).contains(&scale.at(value)));
                prop_assert!(scale.ticks().len() <= 24);
            }
        }
    }
}
