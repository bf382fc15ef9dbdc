//! Median and quartiles.

use serde::Serialize;

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quartiles {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Quartiles {
    /// Of at least one value, by nearest rank.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |quarter: usize| sorted[(last * quarter + 2) / 4];
        Some(Self { low: at(1), median: at(2), high: at(3) })
    }

    /// With so many digits after the point.
    pub fn rounded(self, digits: i32) -> Self {
        let scale = 10_f64.powi(digits);
        let round = |value: f64| (value * scale).round() / scale;
        Self { low: round(self.low), median: round(self.median), high: round(self.high) }
    }
}
