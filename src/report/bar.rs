//! Small bars of block characters, which read the same with and without colour.

use super::words::worst_cell;
use crate::record::{Case, Cell, failure_sum, slowdown};

/// Eighths of a character, from none to seven.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A bar of `width` characters that is filled by `share` (0 to 1; beyond that it is full). What is not empty shows at least an
/// eighth of a character.
#[must_use]
pub(super) fn bar(share: f64, width: usize) -> String {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let whole = u32::try_from(width).unwrap_or(u32::MAX).saturating_mul(8);
    let most = f64::from(whole);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of eighths"
    )]
    let eighths =
        (share * most).round().max(f64::from(u8::from(share > 0.0 && width > 0))) as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(EIGHTHS[eighths % 8]);
    }
    let filled = text.chars().count();
    text.push_str(&" ".repeat(width.saturating_sub(filled)));
    text
}

/// The share of its service that the victim lost on the attacker's own resource, 0 to 1: operations that failed, or else the speed
/// that is gone. `None` where nothing was measured.
#[must_use]
pub(super) fn lost_share(case: &Case) -> Option<f64> {
    let cell = worst_cell(case, case.resource)?;
    let failed = failed_share(cell);
    let slower = slowdown(cell).map(|by| 1.0 - 1.0 / by.max(1.0));
    match slower {
        Some(slower) => Some(failed.max(slower)),
        None if cell.attempts == 0 && cell.missing == 0 => None,
        None if cell.missing > 0 && cell.attempts == 0 => Some(1.0),
        None => Some(failed),
    }
}

/// The share of operations that failed under attack, 0 to 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
pub(super) fn failed_share(cell: &Cell) -> f64 {
    let failed = failure_sum(&cell.failures);
    if failed == 0 { 0.0 } else { failed as f64 / cell.attempts.max(failed) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_width_whatever_the_share() {
        for (share, text) in [
            (0.0, "    "),
            (0.001, "▏   "),
            (0.5, "██  "),
            (0.53125, "██▏ "),
            (1.0, "████"),
            (7.0, "████"),
            (-1.0, "    "),
            (f64::NAN, "    "),
            (f64::INFINITY, "████"),
        ] {
            assert_eq!(bar(share, 4), text, "{share}");
        }
        assert_eq!(bar(0.5, 0), "");
    }
}
